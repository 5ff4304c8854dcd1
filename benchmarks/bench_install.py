"""Weight of an installation beyond an empty environment: the core package as pip installs it, and with tflite-runtime.

    python benchmarks/bench_install.py [--small-only]

Both environments are made anew in a temporary folder, by this Python, from PyPI; each answers about one phantom before it
is weighed. tflite-runtime has wheels up to Python 3.11, and needs NumPy 1.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SMALL = ("numpy<2", "pillow>=12.2,<13", "click", "tqdm", "tflite-runtime")
_SHOWN = 1_000_000


@dataclass(frozen=True)
class Weighed:
    """An installation.

    Attributes:
        title: of the row.
        bytes: of all files that the installation added to an empty environment.
        parts: bytes by folder, the heaviest first.
        answer: line that `alzedge predict` printed.
    """

    title: str
    bytes: int
    parts: dict[str, int]
    answer: str


def weigh(folder: Path, title: str, *installs: tuple[str, ...]) -> Weighed:
    """Make an environment, install into it, ask it about a phantom, and weigh what was added."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}

    def run(*words: object) -> str:
        done = subprocess.run(
            list(map(str, words)), check=False, capture_output=True, text=True, cwd=folder, env=clean, timeout=900
        )
        if done.returncode:
            sys.exit(f"{' '.join(map(str, words))}: {done.stderr}")
        return done.stdout

    folder.mkdir(parents=True)
    run(sys.executable, "-m", "venv", folder)
    empty = _parts(folder)
    for words in installs:
        run(folder / "bin/pip", "install", "--quiet", *words)
    run(folder / "bin/alzedge", "phantoms", "slices")
    slice_ = min((folder / "slices/test").rglob("*.png"))
    answer = run(folder / "bin/alzedge", "predict", "--no-guard", slice_).strip().rpartition("/")[2]
    added = {name: size - empty.get(name, 0) for name, size in _parts(folder).items()}
    parts = dict(sorted(added.items(), key=lambda item: -item[1]))
    return Weighed(title, sum(parts.values()), parts, answer)


def build_wheel(folder: Path) -> Path:
    """Build the wheel of this checkout."""
    subprocess.run([sys.executable, "-m", "venv", folder / "builder"], check=True)
    words = [folder / "builder/bin/pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder / "dist", ROOT]
    subprocess.run(list(map(str, words)), check=True)
    return next((folder / "dist").glob("*.whl"))


def _parts(folder: Path) -> dict[str, int]:
    """Bytes by folder of the packages; libraries that a wheel brings along count as its own."""
    (packages,) = folder.glob("lib/python*/site-packages")
    sizes: dict[str, int] = {}
    for path in packages.rglob("*"):
        if path.is_file():
            top = path.relative_to(packages).parts[0].lower()
            name = top.removesuffix(".libs").replace("pillow", "pil")
            sizes[name] = sizes.get(name, 0) + path.stat().st_size
    return sizes


def main() -> None:
    """Print a line for each installation."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--small-only", action="store_true", help="only the one with tflite-runtime")
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        wheel = str(build_wheel(folder))
        if not chosen.small_only:
            report(weigh(folder / "core", "pip install .", (wheel,)))
        report(weigh(folder / "small", "with tflite-runtime and NumPy 1.26", SMALL, ("--no-deps", wheel)))


def report(weighed: Weighed) -> None:
    """Print one installation."""
    heavy = ", ".join(f"{name} {size / 1e6:.0f}" for name, size in weighed.parts.items() if size > _SHOWN)
    print(f"{weighed.title}: {weighed.bytes / 1e6:.0f} MB beyond an empty environment ({heavy})")
    print(f"  answered: {weighed.answer}", flush=True)


if __name__ == "__main__":
    main()
