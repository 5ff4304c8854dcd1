"""The wheel with the core extra alone, in an environment of its own: README's first door and docs/raspberry-pi.md in it."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.asking import likely_slices
from PIL import Image

from alzedge.inference.classifier import Classifier
from alzedge.stages import DISCLAIMER, STAGES

ROOT = Path(__file__).resolve().parents[2]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (ROOT / "teacher").is_dir(), reason="needs the checkout to build the wheel from"),
]

Run = Callable[..., str]
ACTIVATE = ". venv/bin/activate"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs a command in a folder with slices and `venv`, where the wheel alone is installed."""
    folder = tmp_path_factory.mktemp("core")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}

    def run(*command: object, expect: int = 0) -> str:
        done = subprocess.run(
            list(map(str, command)), check=False, capture_output=True, text=True, timeout=900, cwd=folder, env=clean
        )
        assert done.returncode == expect, done.stderr
        return done.stdout if expect == 0 else done.stderr

    run(sys.executable, "-m", "build", "--outdir", folder / "dist", ROOT)
    run(sys.executable, "-m", "venv", "venv")
    run("venv/bin/pip", "install", "--quiet", next((folder / "dist").glob("*.whl")))
    slices = likely_slices(Classifier.load(), 12)
    for name in ("slice.png", "slice.jpg", "slices/1.jpg", "slices/2.jpg", "slices/3.jpg"):
        (folder / name).parent.mkdir(exist_ok=True)
        Image.fromarray(slices[3]).save(folder / name)
    return run


def test_core_install_holds_no_tensorflow(run: Run) -> None:
    installed = run("venv/bin/pip", "list", "--format", "freeze").lower()
    assert "alzedge" in installed
    assert "tensorflow" not in installed and "keras" not in installed and "gradio" not in installed
    listing = "import pathlib, alzedge; print(*[p.name for p in pathlib.Path(alzedge.__file__).parents[1].iterdir()])"
    top_level = set(run("venv/bin/python", "-c", listing).split())
    assert "alzedge" in top_level and not {"teacher", "student", "export", "demo", "tests"} & top_level


def test_core_install_predicts_and_inspects(run: Run) -> None:
    assert any(stage in run("venv/bin/alzedge", "predict", "--no-guard", "slice.png") for stage in STAGES)
    assert '"labels"' in run("venv/bin/alzedge", "inspect", bundled(run), "--json")
    refused = run("venv/bin/alzedge", "run", expect=2)
    assert "alzedge[export]" in refused and "Traceback" not in refused


def test_the_programs_for_the_raspberry_pi_run_as_they_stand(run: Run, tmp_path: Path) -> None:
    text = (ROOT / "docs" / "raspberry-pi.md").read_text()
    programs = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    assert len(programs) == 1
    (tmp_path / "program.py").write_text(programs[0])
    alone = ROOT / "docs" / "raspberry-pi" / "alzedge_slice.py"
    assert "import alzedge" not in alone.read_text() and "from alzedge" not in alone.read_text()
    told = run("venv/bin/python", tmp_path / "program.py")
    assert told.startswith("any dementia ") and all(f"{stage:20} " in told for stage in STAGES) and DISCLAIMER in told
    assert run("venv/bin/python", alone, bundled(run), "slice.png") == told


def test_the_first_door_of_the_readme_opens(run: Run, tmp_path: Path) -> None:
    """Letter by letter, but for the clone, whose address is not known yet: the wheel is there instead."""
    text = (ROOT / "README.md").read_text()
    first, *_, device = shell_blocks(text)
    clone, install, predict, scan = first
    assert (
        clone.startswith("git clone") and install.startswith("pip install .") and predict == "alzedge predict slice.jpg"
    )
    assert scan.startswith(
        "pip install '.[prepare]' && alzedge predict head.nii.gz --age 74"
    )  # long: test_scans_in_frame
    run("bash", "-c", f"{ACTIVATE}; {predict}")
    (program,) = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    (tmp_path / "program.py").write_text(program)
    told = run("venv/bin/python", tmp_path / "program.py")
    assert len(told.splitlines()) == 2
    for line in device:
        run("bash", "-c", f"{ACTIVATE}; {line}")
    assert len(run("cat", "answers.csv").splitlines()) == 4


def test_the_guide_for_the_raspberry_pi_leads_to_answers(run: Run) -> None:
    install, ask, alone = shell_blocks((ROOT / "docs" / "raspberry-pi.md").read_text())
    assert install[0].startswith("python3 -m venv ~/alzedge") and install[1].startswith("pip install .")
    run("cp", ROOT / "docs" / "raspberry-pi" / "alzedge_slice.py", ".")
    told = {line: run("bash", "-c", f"{ACTIVATE}; {line}") for line in (*ask, *alone)}
    assert any("p50 ms" in text for line, text in told.items() if "--time-only" in line)
    assert all(text for line, text in told.items())
    assert "PNG" in run("venv/bin/python", "-c", "from PIL import Image; print(Image.open('overlay.png').format)")


def shell_blocks(text: str) -> list[list[str]]:
    """Commands of each shell block, without their comments."""
    found = re.findall(r"^```bash\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return [
        [line.split(" #")[0].strip() for line in block.splitlines() if line.split("#")[0].strip()] for block in found
    ]


def bundled(run: Run) -> str:
    """The bundled model in the environment."""
    return run(
        "venv/bin/python", "-c", "from alzedge.model_file.bundled import bundled_model; print(bundled_model())"
    ).strip()
