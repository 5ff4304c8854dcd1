"""The bundled int8 file in TensorFlow Lite Micro's interpreter, and the program of docs/microcontroller.md."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from helpers.micro import lite_outputs, micro_outputs
from PIL import Image

from alzedge.data.dataset import DataSet
from alzedge.imaging.slices import decode_slice
from alzedge.inference.classifier import Classifier
from alzedge.model_file.bundled import bundled_model
from alzedge.model_file.read_write import read_tflite

pytest.importorskip("tflite_micro", reason="tflite-micro is not installed; pip install tflite-micro")
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "microcontroller.md"

pytestmark = pytest.mark.slow


def quantized(images: np.ndarray) -> np.ndarray:
    """The bundled model's int8 input (N, rows, columns, 1) for slices."""
    from tflite_micro.python.tflite_micro.runtime import Interpreter

    details = Interpreter.from_bytes(bundled_model().read_bytes()).get_input_details(0)["quantization_parameters"]
    values = Classifier.load().preprocessing(images)
    return np.clip(np.rint(values / details["scales"][0]) + details["zero_points"][0], -128, 127).astype(np.int8)


@pytest.fixture(scope="module")
def inputs(phantoms: DataSet) -> np.ndarray:
    """Phantoms, then noise that uses the whole range."""
    slices = quantized(phantoms.images)
    noise = np.random.default_rng(0).integers(-128, 128, (50, *slices.shape[1:]), np.int8)
    return np.concatenate([slices, noise])


def assert_agreement(inputs: np.ndarray) -> None:
    """The agreement that docs/microcontroller.md states, within the arena that the project promises."""
    flatbuffer, _ = read_tflite(bundled_model())
    micro = micro_outputs(flatbuffer, inputs, 256 * 1024).astype(int)
    assert len(np.unique(micro, axis=0)) > 20
    lite = lite_outputs(flatbuffer, inputs, "BUILTIN_WITHOUT_DEFAULT_DELEGATES")
    assert np.abs(micro - lite).max() <= 2 and (micro == lite).all(axis=1).mean() >= 0.99
    xnnpack = lite_outputs(flatbuffer, inputs, "BUILTIN")
    assert np.abs(micro - xnnpack).max() <= 17 and (micro == xnnpack).all(axis=1).mean() >= 0.4
    assert (micro.argmax(axis=1) == xnnpack.argmax(axis=1)).mean() >= 0.98


def test_micro_answers_as_litert_within_256_kib(inputs: np.ndarray) -> None:
    assert_agreement(inputs)


def test_micro_answers_as_litert_on_real_slices(archive: Path) -> None:
    with zipfile.ZipFile(archive) as file:
        names = [name for name in file.namelist() if name.endswith(".jpg")][::20]
        assert_agreement(quantized(np.stack([decode_slice(file.read(name), name) for name in names])))


def test_the_archive_behind_the_flatbuffer_does_not_matter(inputs: np.ndarray) -> None:
    flatbuffer, _ = read_tflite(bundled_model())
    whole = bundled_model().read_bytes()
    assert len(whole) > len(flatbuffer)
    few = inputs[::30]
    np.testing.assert_array_equal(micro_outputs(whole, few, 256 * 1024), micro_outputs(flatbuffer, few, 256 * 1024))


@pytest.mark.skipif(not DOCUMENT.is_file(), reason="needs the checkout with docs")
def test_the_document_tells_the_arena_and_its_program_runs(
    inputs: np.ndarray, phantoms: DataSet, tmp_path: Path
) -> None:
    text = DOCUMENT.read_text()
    flatbuffer, record = read_tflite(bundled_model())
    arena = re.search(r"tensor arena of (\d+) KiB", text)
    assert arena is not None
    micro_outputs(flatbuffer, inputs[:1], int(arena[1]) * 1024)
    with pytest.raises(RuntimeError):
        micro_outputs(flatbuffer, inputs[:1], (int(arena[1]) - 4) * 1024)

    (tmp_path / "program.py").write_text(re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)[0])
    Image.fromarray(phantoms.images[7]).save(tmp_path / "slice.png")
    command = [sys.executable, tmp_path / "program.py", tmp_path / "slice.png"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    shares = {line.split()[0]: float(line.split()[1][:-1]) / 100 for line in done.stdout.splitlines()}
    expected = Classifier.load().probabilities(phantoms.images[7:8])[0]
    assert list(shares) == record["labels"]
    np.testing.assert_allclose(list(shares.values()), expected, atol=20 / 256)
