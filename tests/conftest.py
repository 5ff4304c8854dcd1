"""Fixtures that several tests share: phantoms, one tiny run, one trained student, the real archive."""

import os
import pickle
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

# Two workers on two cores: with two threads each they would only wait for one another. Set before NumPy is imported,
# so that this process has as many threads as those it starts.
if "PYTEST_XDIST_WORKER" in os.environ:
    for variable in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(variable, "1")

import pytest
from helpers.commands import TINY, once, run_cli
from helpers.process_state import changes, process_state

from alzedge.data.dataset import DataSet
from alzedge.data.phantom_set import make_phantoms
from alzedge.model_file.bundled import bundled_model
from alzedge.model_file.read_write import read_tflite, write_tflite

if TYPE_CHECKING:
    from alzedge.export.prepared_student import PreparedStudent
    from alzedge.inference.guard import Guard

TESTS = Path(__file__).parent


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Tests leave nothing in the user's cache, and find nothing there."""
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    """A test leaves the process as it found it, lest another one fail in its company only."""
    before = process_state()
    yield
    assert not changes(before, process_state())


@pytest.fixture(scope="session")
def phantoms() -> DataSet:
    """100 slices of 20 people, those that `tiny_run` was made from."""
    return make_phantoms(20, 5)


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> DataSet:
    """Enough phantoms for a guard that knows them: 240 slices of 40 people."""

    def make(folder: Path) -> None:
        (folder / "people.pickle").write_bytes(pickle.dumps(make_phantoms(40, 6)))

    made: DataSet = pickle.loads((once(tmp_path_factory, "people", make) / "people.pickle").read_bytes())
    return replace(made)  # read-only again, which pickle does not keep: many tests share it


@pytest.fixture(scope="session")
def guard(tmp_path_factory: pytest.TempPathFactory, people: DataSet) -> "Guard":
    """The guard of `people`, fold 0 held out."""

    def make(folder: Path) -> None:
        from alzedge.data.dataset import split_dataset
        from alzedge.export.guard.fit import make_guard

        found = make_guard(people, split_dataset(people, "subject"), seed=0)
        (folder / "guard.pickle").write_bytes(pickle.dumps(found))

    made: Guard = pickle.loads((once(tmp_path_factory, "guard", make) / "guard.pickle").read_bytes())
    return made


@pytest.fixture(scope="session")
def guarded(guard: "Guard", tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled student with a guard that takes phantoms for heads."""
    flatbuffer, record = read_tflite(bundled_model())
    path = tmp_path_factory.mktemp("guarded") / "student.tflite"
    write_tflite(path, flatbuffer, record | {"guard": guard.to_dict()})
    return path


@pytest.fixture(scope="session")
def tiny_recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe file that runs in seconds."""
    path = tmp_path_factory.mktemp("recipe") / "tiny.toml"
    path.write_text(TINY)
    return path


@pytest.fixture(scope="session", autouse=True)
def _begin_tiny_run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, _own_cache: None) -> None:
    """Begin the run that many tests need beside the first ones, lest one worker waits while the other makes it."""
    wanted = any("tiny_run" in item.fixturenames for item in request.session.items if isinstance(item, pytest.Function))
    if wanted and os.environ.get("PYTEST_XDIST_WORKER") == "gw0":
        recipe = request.getfixturevalue("tiny_recipe")
        threading.Thread(target=_make_tiny_run, args=(tmp_path_factory, recipe), daemon=True).start()


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory, tiny_recipe: Path) -> Path:
    """The folder of an undisturbed `alzedge run` on phantoms."""
    return _make_tiny_run(tmp_path_factory, tiny_recipe)


def _make_tiny_run(tmp_path_factory: pytest.TempPathFactory, recipe: Path) -> Path:
    def make(folder: Path) -> None:
        result = run_cli("run", "--recipe", recipe, "--out", folder / "undisturbed")
        assert result.returncode == 0, result.stderr
        (folder / "stdout.txt").write_text(result.stdout)

    return once(tmp_path_factory, "tiny-run", make) / "undisturbed"


@pytest.fixture(scope="session")
def trained_student(tmp_path_factory: pytest.TempPathFactory, phantoms: DataSet, tiny_recipe: Path) -> Path:
    """A student of the `subject` split that has learned something from the labels, in seconds and in this process."""

    def make(folder: Path) -> None:
        _train_student(folder, phantoms, str(tiny_recipe))

    return once(tmp_path_factory, "trained-student", make) / "student.keras"


@pytest.fixture(scope="session")
def prepared_student(trained_student: Path, phantoms: DataSet, tiny_recipe: Path) -> "PreparedStudent":
    """The trained student, prepared once in this process for whatever is exported from it."""
    from alzedge.data.dataset import split_dataset
    from alzedge.export.prepared_student import prepare_student
    from alzedge.runs.recipe_file import load_recipe

    split = split_dataset(phantoms, "subject")
    return prepare_student(trained_student, phantoms, split, load_recipe(str(tiny_recipe)))


def _train_student(folder: Path, phantoms: DataSet, recipe_file: str) -> None:
    import keras

    from alzedge.data.dataset import split_dataset
    from alzedge.model_file.read_write import ModelKind, Role, make_record
    from alzedge.runs.recipe import StudentRecipe
    from alzedge.runs.recipe_file import load_recipe
    from alzedge.runs.run_folder import RunFolder
    from alzedge.runs.split_run import SplitRun
    from alzedge.student.model import build_student
    from alzedge.teacher.keras_file import save_model

    recipe = load_recipe(recipe_file)
    split_run = SplitRun(RunFolder(folder, {}), folder, phantoms, split_dataset(phantoms, "subject"), recipe, "tests")
    keras.utils.set_random_seed(0)
    model = build_student(StudentRecipe((8, 16, 32), 48), recipe.preprocessing.input_shape)
    model.compile(keras.optimizers.Adam(3e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(split_run.training_inputs(), split_run.training_labels(), batch_size=16, epochs=30, verbose=0)
    save_model(
        model,
        folder / "student.keras",
        make_record(ModelKind(Role.STUDENT), recipe.preprocessing, **split_run.provenance([])),
    )


@pytest.fixture(scope="session")
def archive() -> Path:
    """The real Kaggle archive; tests that need it skip where it is absent."""
    beside = [parent / "shared/data/archive.zip" for parent in TESTS.parents]
    for path in [Path(os.environ.get("ALZEDGE_ARCHIVE", "")), *beside]:
        if path.is_file():
            return path
    pytest.skip("the Kaggle archive is not here; set ALZEDGE_ARCHIVE to its path")
