"""What several tests share: the command in a subprocess, phantoms, one tiny run, the real archive."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from alzedge.dataset import DataSet
from alzedge.phantoms import make_phantoms

TESTS = Path(__file__).parent

# Seconds, not minutes: every phase of a run on two batches.
TINY = """
splits = ["subject"]
[phantoms]
subjects = 20
slices = 5
[preprocessing]
shrink = 4
[teacher]
width = 0.0625
[pretrain]
epochs = 3
batch_size = 32
[finetune]
epochs = 3
batch_size = 32
[distill]
epochs = 3
batch_size = 32
views = 2
[export]
calibration_images = 16
[benchmark]
calls = 10
"""


# Two workers on two cores: with two threads each they would only wait for one another.
if "PYTEST_XDIST_WORKER" in os.environ:
    for variable in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(variable, "1")


def run_cli(*args: object, timeout: float = 900, **options: object) -> subprocess.CompletedProcess[str]:
    """Run the real command in a process of its own."""
    command = [sys.executable, "-m", "alzedge", *map(str, args)]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=timeout, **options)  # type: ignore[call-overload]


def run_code(code: str) -> subprocess.CompletedProcess[str]:
    """Run Python code in a process of its own."""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=600)


def assert_refused(result: subprocess.CompletedProcess[str], *words: object) -> None:
    """Bad input: exit code 2, one line on stderr that holds the words, no traceback."""
    assert result.returncode == 2, result.stderr
    assert "Traceback" not in result.stderr
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    for word in words:
        assert str(word) in lines[0]


def once(tmp_path_factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """A folder that the first worker to ask for it fills, and the others only read."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = shared / name
    with FileLock(shared / f"{name}.lock"):
        if not (folder / "made").exists():
            folder.mkdir(exist_ok=True)
            make(folder)
            (folder / "made").touch()
    return folder


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

    from alzedge.dataset import split_dataset
    from alzedge.job import Job
    from alzedge.ledger import Ledger
    from alzedge.modelfile import make_record
    from alzedge.recipe import StudentRecipe, load_recipe
    from alzedge.student.model import build_student
    from alzedge.teacher.saving import save_model

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
