"""Documentation that runs: each block of commands or Python is run here, by a test that it names, or says why not.

A comment in the line above a block of `bash` or `python` decides; without one the block is run here and now:

    <!-- run in the long tests -->
    <!-- run by tests/…/test_….py: what differs -->
    <!-- not run: the reason -->
"""

import contextlib
import io
import re
import runpy
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from helpers.average_heads import average_head
from helpers.commands import call_cli
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "demo/answering/example/slice4.png"
# The example card is written by a function that tests compare it with.
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
DOCUMENTS = [path for path in DOCUMENTS if path.name != "example-card.md"]

pytestmark = pytest.mark.skipif(not (ROOT / "docs").is_dir(), reason="needs the checkout with its documents")

LONG, BY, NOT = "run in the long tests", "run by ", "not run: "
_BLOCK = re.compile(
    r"^(?:<!-- (?P<mark>.*?) -->\n)?```(?P<language>bash|python)\n(?P<code>.*?)^```", re.DOTALL | re.MULTILINE
)


@dataclass(frozen=True)
class Block:
    """A fenced block and the comment above it; '' without one."""

    document: str
    number: int
    mark: str
    language: str
    code: str

    def __str__(self) -> str:
        return f"{self.document}-{self.number}"


def blocks() -> list[Block]:
    return [
        Block(path.name, number, found["mark"] or "", found["language"], found["code"])
        for path in DOCUMENTS
        if path.exists()
        for number, found in enumerate(_BLOCK.finditer(path.read_text("utf-8")))
    ]


BLOCKS = blocks()


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that documents speak of, with the page's example in the place of a person's slice."""
    for name in ("slice.jpg", "slice.png", "other.png", "slices/1.png", "slices/2.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.open(EXAMPLE).save(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert call_cli("model", "--out", "student_int8.tflite").returncode == 0
    return tmp_path


def save_head(path: Path) -> None:
    """Write the average head, unprepared, as NIfTI."""
    from nibabel.nifti1 import Nifti1Image

    grid = average_head()
    Nifti1Image(grid.voxels, grid.affine).to_filename(path)


def run_block(block: Block) -> None:
    """Run a block in this process, in the current folder."""
    if block.language == "python":
        Path("program.py").write_text(block.code)
        with contextlib.redirect_stdout(io.StringIO()):
            runpy.run_path("program.py")
        return
    for line in block.code.splitlines():
        words = shlex.split(line, comments=True)
        if words:
            assert words[0] == "alzedge", f"{block}: {line} is for a shell; name the test that runs it, or the reason"
            result = call_cli(*words[1:])
            assert result.returncode == 0, f"{line}: {result.stderr}"


def test_every_block_is_seen_and_every_mark_is_one_of_three() -> None:
    fences = sum(len(re.findall(r"^ *```(?:bash|python)$", p.read_text("utf-8"), re.MULTILINE)) for p in DOCUMENTS)
    assert len(BLOCKS) == fences > 30
    odd = [f"{block}: {block.mark}" for block in BLOCKS if block.mark and not block.mark.startswith((LONG, BY, NOT))]
    assert not odd


@pytest.mark.parametrize("block", [block for block in BLOCKS if not block.mark], ids=str)
def test_a_cheap_block_runs_as_it_stands(block: Block, desk: Path) -> None:
    run_block(block)


@pytest.mark.slow
@pytest.mark.parametrize("block", [block for block in BLOCKS if block.mark == LONG], ids=str)
def test_a_long_block_runs_as_it_stands(block: Block, desk: Path) -> None:
    """The word archive.zip stands for phantoms, whose split is as leaky, head.nii.gz for the average head."""
    assert call_cli("phantoms", "set", "--subjects", 24).returncode == 0
    shutil.make_archive("archive", "zip", "set")
    (desk / "path/to").mkdir(parents=True)
    shutil.copy("archive.zip", "path/to/archive.zip")
    save_head(desk / "head.nii.gz")
    (desk / "scans").mkdir()
    shutil.copy("head.nii.gz", "scans/other.nii.gz")
    run_block(block)


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.mark.startswith(BY)], ids=str)
def test_a_block_that_another_test_runs_is_known_there(block: Block) -> None:
    """The test exists, says so of its differences, and calls the command, or imports what the program does."""
    files, _, difference = block.mark.removeprefix(BY).partition(": ")
    assert difference, f"{block} does not say what differs"
    text = "".join((ROOT / file).read_text("utf-8") for file in files.split(", "))
    if block.language == "bash":
        wanted = set(re.findall(r"\balzedge ([a-z]+)", block.code)) - {"model"}
        assert all(f'"{name}"' in text or block.document in text for name in wanted), f"{block}: {sorted(wanted)}"
    else:
        names = re.findall(r"^from alzedge\S* import (.+)$", block.code, re.MULTILINE)
        wanted = {name.strip() for line in names for name in line.split(",")}
        assert block.document in text or any(name in text for name in wanted), f"{block}: {sorted(wanted)}"


def test_a_block_that_is_not_run_says_why() -> None:
    silent = [str(block) for block in BLOCKS if block.mark.startswith(NOT) and len(block.mark.removeprefix(NOT)) < 20]
    assert not silent
    assert sum(block.mark.startswith(NOT) for block in BLOCKS) < len(BLOCKS) / 4
