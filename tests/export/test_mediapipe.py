"""MediaPipe's image classifier reads our files as they are, as far as it reads such models at all."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alzedge.data.dataset import DataSet
from alzedge.export.convert.rgb import to_rgb
from alzedge.export.convert.write_tflite_metadata import add_metadata
from alzedge.imaging.preprocessing import Preprocessing
from alzedge.inference.classifier import Classifier
from alzedge.model_file.read_write import read_tflite, write_tflite
from alzedge.stages import STAGES

WHOLE = Preprocessing(1)
# Prints one JSON line: by file the categories of each slice, or the sentence of refusal; and the metadata as read
# by the classes that flatbuffers' compiler made from the public schema.
PROGRAM = """
import json, sys
import mediapipe, numpy
from mediapipe.tasks.metadata import metadata_schema_py_generated as schema
from mediapipe.tasks.metadata import schema_py_generated as model_schema
from mediapipe.tasks.python import BaseOptions, vision

def metadata(path):
    model = model_schema.ModelT.InitFromPackedBuf(open(path, "rb").read(), 0)
    buffer, = [model.buffers[m.buffer].data for m in model.metadata if m.name == b"TFLITE_METADATA"]
    found = schema.ModelMetadataT.InitFromPackedBuf(bytes(buffer), 0)
    image, = found.subgraphMetadata[0].inputTensorMetadata
    scores, = found.subgraphMetadata[0].outputTensorMetadata
    normalization = image.processUnits[0].options
    return {
        "name": found.name.decode(), "parser": found.minParserVersion.decode(),
        "mean": list(map(float, normalization.mean)), "std": list(map(float, normalization.std)),
        "size": [image.content.contentProperties.defaultSize.width, image.content.contentProperties.defaultSize.height],
        "labels": [scores.associatedFiles[0].name.decode(), scores.associatedFiles[0].type],
    }

def answers(path, slices):
    options = vision.ImageClassifierOptions(base_options=BaseOptions(model_asset_path=path))
    try:
        classifier = vision.ImageClassifier.create_from_options(options)
    except (RuntimeError, ValueError) as error:
        return str(error)
    with classifier:
        found = []
        for grey in slices:
            image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=numpy.repeat(grey[..., None], 3, axis=2))
            categories = classifier.classify(image).classifications[0].categories
            found.append({category.category_name: category.score for category in categories})
        return found

slices = numpy.load(sys.argv[1])
print(json.dumps({path: [metadata(path), answers(path, slices)] for path in sys.argv[2:]}))
"""


@pytest.fixture(scope="module")
def mediapipe_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python of an environment with MediaPipe alone."""
    folder = tmp_path_factory.mktemp("mediapipe")

    def pip(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(folder / "venv/bin/pip"), *arguments]
        return subprocess.run(command, check=False, capture_output=True, text=True, timeout=900)

    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    if pip("download", "--no-deps", "--dest", str(folder / "reached"), "absl-py").returncode:
        pytest.skip("pip reaches no package index, so MediaPipe cannot be installed")
    installed = pip("install", "--quiet", "mediapipe")
    assert installed.returncode == 0, installed.stderr
    return folder / "venv/bin/python"


@pytest.mark.slow
def test_mediapipe_answers_as_we_do(mediapipe_python: Path, tiny_run: Path, tmp_path: Path, phantoms: DataSet) -> None:
    np.save(tmp_path / "slices.npy", phantoms.images[:12])
    ours = {}
    for name in ("float32", "int8"):
        source = tiny_run / f"student_{name}.tflite"
        flatbuffer, record = read_tflite(source)
        write_tflite(tmp_path / f"grey_{name}.tflite", flatbuffer, record)
        shrink = Preprocessing.from_dict(record["preprocessing"]).shrink
        coloured = add_metadata(to_rgb(flatbuffer, shrink), f"student-{name}-rgb", WHOLE)
        write_tflite(tmp_path / f"rgb_{name}.tflite", coloured, record | {"preprocessing": WHOLE.to_dict()})
        ours[name] = Classifier.load(source).probabilities(phantoms.images[:12])
    files = [f"{kind}_{name}.tflite" for kind in ("grey", "rgb") for name in ours]
    done = subprocess.run(
        [mediapipe_python, "-c", PROGRAM, "slices.npy", *files],
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])

    # The file as exported: MediaPipe knows neither grey nor int8 inputs. When this fails, it has learned to.
    assert found["grey_float32.tflite"][1] == "Only RGB color space is supported for now."
    assert "Requested one of these types: uint8/float32, got INT8" in found["grey_int8.tflite"][1]
    for name, expected in ours.items():
        metadata, answers = found[f"rgb_{name}.tflite"]
        assert metadata["parser"] == "1.0.0" and metadata["size"] == [176, 208]
        assert (metadata["mean"], metadata["std"], metadata["labels"]) == ([0], [255], ["labels.txt", 2])
        theirs = np.array([[answer[stage] for stage in STAGES] for answer in answers])
        # Whole numbers agree exactly, ours divided by their sum; in floating point our block means are rounded.
        theirs /= theirs.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(theirs, expected, atol=1e-6 if name == "int8" else 0.02)
