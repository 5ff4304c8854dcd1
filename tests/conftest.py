"""What several tests share: the command in a subprocess, phantoms, one tiny run, the real archive."""

import os
from pathlib import Path

import pytest
from helpers.commands import TINY, once, run_cli

from alzedge.data.dataset import DataSet
from alzedge.data.phantom_set import make_phantoms

TESTS = Path(__file__).parent


# Two workers on two cores: with two threads each they would only wait for one another.
if "PYTEST_XDIST_WORKER" in os.environ:
    for variable in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(variable, "1")


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Tests leave nothing in the user's cache, and find nothing there."""
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def phantoms() -> DataSet:
    """100 slices of 20 people."""
    return make_phantoms(20, 5)


@pytest.fixture(scope="session")
def tiny_recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe file that runs in seconds."""
    path = tmp_path_factory.mktemp("recipe") / "tiny.toml"
    path.write_text(TINY)
    return path


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory, tiny_recipe: Path) -> Path:
    """The folder of an undisturbed `alzedge run` on phantoms."""

    def make(folder: Path) -> None:
        result = run_cli("run", "--recipe", tiny_recipe, "--out", folder / "undisturbed")
        assert result.returncode == 0, result.stderr
        (folder / "stdout.txt").write_text(result.stdout)

    return once(tmp_path_factory, "tiny-run", make) / "undisturbed"


@pytest.fixture(scope="session")
def trained_student(tmp_path_factory: pytest.TempPathFactory, phantoms: DataSet, tiny_recipe: Path) -> Path:
    """A student of the `subject` split that has learned something from the labels, in seconds and in this process."""

    def make(folder: Path) -> None:
        _train_student(folder, phantoms, str(tiny_recipe))

    return once(tmp_path_factory, "trained-student", make) / "student.keras"


def _train_student(folder: Path, phantoms: DataSet, recipe_file: str) -> None:
    import keras

    from alzedge.data.dataset import split_dataset
    from alzedge.model_file.read_write import make_record
    from alzedge.runs.recipe import StudentRecipe, load_recipe
    from alzedge.runs.run_folder import Ledger
    from alzedge.runs.split_run import Job
    from alzedge.student.model import build_student
    from alzedge.teacher.keras_file import save_model

    recipe = load_recipe(recipe_file)
    job = Job(Ledger(folder, {}), folder, phantoms, split_dataset(phantoms, "subject"), recipe, "tests")
    keras.utils.set_random_seed(0)
    model = build_student(StudentRecipe((8, 16, 32), 48), recipe.preprocessing.input_shape)
    model.compile(keras.optimizers.Adam(3e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(job.training_inputs(), job.training_labels(), batch_size=16, epochs=30, verbose=0)
    save_model(model, folder / "student.keras", make_record("student", recipe.preprocessing, **job.provenance([])))


@pytest.fixture(scope="session")
def archive() -> Path:
    """The real Kaggle archive; tests that need it skip where it is absent."""
    beside = [parent / "shared/data/archive.zip" for parent in TESTS.parents]
    for path in [Path(os.environ.get("ALZEDGE_ARCHIVE", "")), *beside]:
        if path.is_file():
            return path
    pytest.skip("the Kaggle archive is not here; set ALZEDGE_ARCHIVE to its path")
