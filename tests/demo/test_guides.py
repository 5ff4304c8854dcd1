"""The guides' programs reckon what Python reckons: guard, the step `white`, measures and the heat map's place."""

import base64
import json
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.measuring import MEASURES
from helpers.told import told_file
from numpy.typing import NDArray
from PIL import Image

from alzedge.demo.answering.example import load_example
from alzedge.demo.html.viewer import brain_mask
from alzedge.imaging.preprocessing import Preprocessing
from alzedge.inference.classifier import Classifier
from alzedge.inference.guard import Guard, block_means
from alzedge.inference.interpreters import make_interpreter
from alzedge.inference.measures.demographics import Coding
from alzedge.inference.measures.readings import Readings
from alzedge.model_file.bundled import bundled_heat_map_model, bundled_model
from alzedge.model_file.read_write import read_tflite
from alzedge.stages import STAGES

DOCS = Path(__file__).resolve().parents[2] / "docs"
PI = DOCS / "raspberry-pi" / "alzedge_slice.py"
SHARES = [[0.6, 0.25, 0.1, 0.05], [0.0, 0.0, 0.0, 1.0], [1.0, 0.0, 0.0, 0.0]]
VOLUMES, AGES = [0.81, 0.66, 0.9], [41.0, 88.0, -90.0]

pytestmark = pytest.mark.skipif(not DOCS.is_dir(), reason="needs the checkout with docs")


@pytest.fixture(scope="module")
def slices() -> NDArray[np.uint8]:
    """A brain, the same twice as bright, noise, and nothing at all; uint8 (4, 208, 176)."""
    brain = load_example().slices[3]
    noise = np.random.default_rng(0).integers(0, 256, brain.shape, np.uint8)
    return np.stack([brain, np.minimum(255, brain.astype(int) * 2).astype(np.uint8), noise, np.zeros_like(brain)])


def white_by_the_words(image: NDArray[np.uint8], shrink: int) -> NDArray[np.int64]:
    """The docstring of the step `white`, then rounded means of blocks."""
    tissue = np.sort(image[image >= 6].astype(int))
    white = max(int(tissue[len(tissue) * 85 // 100]), 20) if len(tissue) else 20
    made = np.where(image < 4, 0, np.minimum(255, (170 * image.astype(int) + white // 2) // white))
    sums = made.reshape(208 // shrink, shrink, 176 // shrink, shrink).sum(axis=(1, 3))
    return (sums + shrink**2 // 2) // shrink**2


@pytest.fixture(scope="module")
def banded(slices: NDArray[np.uint8]) -> Guard:
    """A guard of three bands, the last one's mean a brain."""
    rng = np.random.default_rng(0)
    mean = np.concatenate([rng.uniform(0, 1, (2, 143)), block_means(slices[:1])]).astype(np.float32)
    components = np.linalg.qr(rng.normal(size=(143, 5)))[0].T.astype(np.float32)
    made = Guard(mean, components, rng.uniform(0.1, 1, 5), rng.uniform(0.1, 1, 3), 2.5, {}, (1.0, 5.0, 9.0))
    return Guard.from_dict(made.to_dict())  # with the precision a file keeps


def by_rule(row: int) -> Any:
    """The answer of the made-up rules for one slice."""
    numbers = [np.array(values[row : row + 1], np.float64) for values in (SHARES, VOLUMES, AGES)]
    return MEASURES.person(Readings(numbers[0], np.array([np.nan]), numbers[1], numbers[2]))


@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")
def test_the_browser_s_parts_reckon_as_python_does(slices: NDArray[np.uint8], banded: Guard) -> None:
    classifier = Classifier.load()
    assert classifier.guard is not None
    white = {"steps": ["white"], "shrink": 2, "divide_by": 255}
    asked = {
        "model": str(bundled_heat_map_model()),
        "guard": banded.to_dict(),
        "slices": [base64.b64encode(one.tobytes()).decode() for one in slices],
        "preprocessing": [Preprocessing(2, ("fluid",)).to_dict(), white],
        "measures": MEASURES.to_dict(),
        "coding": Coding().to_dict(),
        "told": [{}, {"age": 74, "sex": "F"}, {"age": 7, "sex": "M"}],
        "outputs": [
            {"probabilities": one, "brain_volume": volume, "age": age}
            for one, volume, age in zip(SHARES, VOLUMES, AGES, strict=True)
        ],
    }
    program = [shutil.which("node") or "", str(Path(__file__).with_name("guides.mjs")), str(DOCS / "browser")]
    done = subprocess.run(program, input=json.dumps(asked), check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["labels"] == list(STAGES) and "unknown preprocessing" in told["refused"]
    outputs = {one["name"]: one for one in told["signature"]["outputs"]}
    interpreter = make_interpreter(read_tflite(bundled_heat_map_model())[0], 1)
    details = interpreter.get_signature_runner().get_output_details()
    assert {name: (one["scale"], one["zeroPoint"]) for name, one in outputs.items()} == {
        name: pytest.approx(one["quantization"]) for name, one in details.items()
    }
    for guard, unlikeness in zip((classifier.guard, banded), told["unlikeness"], strict=True):
        np.testing.assert_allclose(unlikeness, guard.unlikeness(slices), rtol=1e-4)
    assert told["masks"] == [int(brain_mask(one).sum()) for one in slices]
    fluid = np.rint(255 * Preprocessing(2, ("fluid",))(slices)).astype(int).reshape(4, -1)
    np.testing.assert_array_equal(told["means"][0], fluid)
    np.testing.assert_array_equal(told["means"][1], [white_by_the_words(one, 2).ravel() for one in slices])
    people = [(None, None), (74, "F"), (7, "M")]
    codes = [Coding().of_one(*person)[0].tolist() for person in people]
    np.testing.assert_allclose(told["coded"], codes, rtol=1e-6)
    program = runpy.run_path(str(PI))["demographics"]
    np.testing.assert_allclose([program(Coding().to_dict()["age"], *one)[0] for one in people], codes, rtol=1e-6)
    for row, answer in enumerate(told["answers"]):
        expected = by_rule(row)
        np.testing.assert_allclose(answer["probabilities"], expected.probabilities, rtol=1e-4)
        for name, value in (("brainVolume", expected.brain_volume), ("apparentAge", expected.apparent_age)):
            found = [answer[name][part] for part in ("value", "low", "high")]
            np.testing.assert_allclose(found, [value.value, value.low, value.high], rtol=1e-4, atol=1e-9)
        assert answer["stageSet"] == [STAGES[stage] for stage in expected.stage_set]


def run_pi(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(PI), *map(str, arguments)]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)


def test_the_raspberry_pi_s_program_answers_refuses_and_draws(slices: NDArray[np.uint8], tmp_path: Path) -> None:
    for name, pixels in (("brain.png", slices[0]), ("noise.png", slices[2])):
        Image.fromarray(pixels).save(tmp_path / name)
    drawn = tmp_path / "overlay.png"
    done = run_pi(bundled_model(), tmp_path / "brain.png", bundled_heat_map_model(), drawn)
    (answer,) = Classifier.load().answers(slices[:1])
    assert answer.probabilities is not None and answer.any_dementia is not None, done.stderr
    lines = done.stdout.splitlines()
    assert (
        lines[0]
        == f"any dementia {answer.any_dementia.value:.3f}, below the threshold {answer.any_dementia.threshold:.3f}"
    )
    volume, age = answer.brain_volume, answer.apparent_age
    assert volume is not None and age is not None
    assert lines[1] == f"brain volume {volume.value:.3f} ({volume.low:.3f} to {volume.high:.3f})"
    assert lines[2] == f"apparent age {age.value:.0f} ({age.low:.0f} to {age.high:.0f})"
    first = next(number for number, line in enumerate(lines) if line.startswith(STAGES[0]))
    assert lines[first : first + 4] == [f"{label:20} {share:.1%}" for label, share in answer.probabilities.items()]
    with Image.open(drawn) as picture:
        pixels = np.asarray(picture).astype(int)
    outside = ~brain_mask(slices[0])
    np.testing.assert_array_equal(pixels[outside], np.repeat(slices[0][outside, None], 3, axis=1))
    assert np.abs(pixels - slices[0][..., None]).max() > 40
    refused = run_pi(bundled_model(), tmp_path / "noise.png")
    assert (
        refused.returncode == 1 and "not an axial brain slice" in refused.stderr and "Traceback" not in refused.stderr
    )


def test_the_raspberry_pi_s_rules_are_python_s(slices: NDArray[np.uint8], banded: Guard) -> None:
    names = runpy.run_path(str(PI))
    classifier = Classifier.load()
    assert classifier.guard is not None
    for guard, entry in ((classifier.guard, classifier.record["guard"]), (banded, banded.to_dict())):
        found = [names["unlikeness"](one, entry) for one in slices]
        np.testing.assert_allclose(found, guard.unlikeness(slices), rtol=1e-4)
    white = {"steps": ["white"], "shrink": 4, "divide_by": 255}
    for one in slices:
        values = names["preprocess"](one, white)
        np.testing.assert_array_equal(np.rint(255 * values).astype(int), white_by_the_words(one, 4))
    for row in range(len(SHARES)):
        outputs = {
            "probabilities": np.array(SHARES[row]), "brain_volume": np.array([VOLUMES[row]]), "age": np.array([AGES[row]]),
        }  # fmt: skip
        shares, quantities = names["answer"](MEASURES.to_dict(), outputs)
        expected = by_rule(row)
        np.testing.assert_allclose(shares, expected.probabilities, rtol=1e-4)
        for name, value in (("brain_volume", expected.brain_volume), ("age", expected.apparent_age)):
            np.testing.assert_allclose(quantities[name], [value.value, value.low, value.high], rtol=1e-4, atol=1e-9)
        assert tuple(quantities["stages"]) == expected.stage_set
    with pytest.raises(SystemExit, match="clahe"):
        names["preprocess"](slices[0], {"steps": ["clahe"], "shrink": 4, "divide_by": 255})


PROBE = """
import java.io.*;
import java.util.Base64;

public class Guide {
    public static void main(String[] words) throws IOException {
        DataInputStream slices = new DataInputStream(System.in);
        byte[][] arrays = new byte[2][];
        for (int index = 0; index < 2; index++) arrays[index] = Base64.getDecoder().decode(words[index]);
        double[][] lists = new double[2][];
        for (int index = 0; index < 2; index++) {
            lists[index] = java.util.Arrays.stream(words[3 + index].split(",")).mapToDouble(Double::parseDouble).toArray();
        }
        double[] rule = new double[7];
        for (int index = 0; index < 7; index++) rule[index] = Double.parseDouble(words[7 + index]);
        for (int slice = 0; slice < Integer.parseInt(words[6]); slice++) {
            int[] pixels = new int[208 * 176];
            for (int index = 0; index < pixels.length; index++) pixels[index] = 0xff000000 | 0x010101 * slices.readUnsignedByte();
            System.out.println(AlzEdgeModel.unlikeness(pixels, 176, arrays[0], arrays[1], Double.parseDouble(words[2]),
                lists[0], lists[1], Double.parseDouble(words[5])));
            StringBuilder line = new StringBuilder();
            for (int grey : AlzEdgeModel.white(pixels)) line.append(grey).append(' ');
            System.out.println(line);
        }
        for (double value : AlzEdgeModel.measure(0.81, rule, Double.parseDouble(words[14]))) System.out.print(value + " ");
    }
}
"""


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("javac") is None, reason="no Java compiler is installed")
def test_android_s_java_reckons_as_python_does(slices: NDArray[np.uint8], banded: Guard, tmp_path: Path) -> None:
    (tmp_path / "Guide.java").write_text(PROBE)
    shutil.copy(DOCS / "android" / "AlzEdgeModel.java", tmp_path)
    subprocess.run(["javac", "--release", "8", "-Xlint:-options", "Guide.java"], check=True, cwd=tmp_path)
    guard, rule = banded.to_dict(), MEASURES.to_dict()["anywhere"]
    part = rule["brain_volume"]
    names = ("intercept", "slope", "covariance", "within", "mean", "variance", "factor")
    numbers = [part[name][0] if isinstance(part[name], list) else part[name] for name in names]
    lists = [",".join(map(str, guard[name])) for name in ("variance", "residual")]
    words = [*(guard[name] for name in ("mean", "components", "scale")), *lists, guard["threshold"]]
    done = subprocess.run(
        ["java", "Guide", *map(str, [*words, len(slices), *numbers, rule["slices"][0]])],
        check=True, cwd=tmp_path, input=slices.tobytes(), capture_output=True, timeout=300,
    )  # fmt: skip
    *lines, measured_ = done.stdout.decode().splitlines()
    np.testing.assert_allclose([float(line) for line in lines[::2]], banded.unlikeness(slices), rtol=1e-4)
    for one, line in zip(slices, lines[1::2], strict=True):
        table = np.array(line.split(), int)
        np.testing.assert_array_equal(table[one], white_by_the_words(one, 1))
    volume = by_rule(0).brain_volume
    np.testing.assert_allclose(
        [float(x) for x in measured_.split()], [volume.value, volume.low, volume.high], rtol=1e-4
    )


@pytest.mark.skipif(shutil.which("gcc") is None, reason="no C compiler is installed")
def test_the_microcontroller_s_table_of_greys_is_python_s(slices: NDArray[np.uint8], tmp_path: Path) -> None:
    (function,) = re.findall(r"^```c\n(.*?)^```", (DOCS / "microcontroller.md").read_text(), re.DOTALL | re.MULTILINE)
    main = """
#include <stdio.h>
int main(void) {
  static uint8_t slice[208 * 176], table[256];
  while (fread(slice, 1, sizeof slice, stdin) == sizeof slice) {
    white_table(slice, sizeof slice, table);
    fwrite(table, 1, sizeof table, stdout);
  }
}
"""
    (tmp_path / "white.c").write_text(function + main)
    subprocess.run(["gcc", "-Wall", "-Werror", "-o", "white", "white.c"], check=True, cwd=tmp_path)
    done = subprocess.run([tmp_path / "white"], check=True, input=slices.tobytes(), capture_output=True)
    tables = np.frombuffer(done.stdout, np.uint8).reshape(len(slices), 256).astype(int)
    for one, table in zip(slices, tables, strict=True):
        np.testing.assert_array_equal(table[one], white_by_the_words(one, 1))


def test_the_raspberry_pi_s_program_tells_age_and_sex(slices: NDArray[np.uint8], tmp_path: Path) -> None:
    path = told_file(tmp_path / "told.tflite")
    classifier = Classifier.load(path)
    program = runpy.run_path(str(PI))
    for person in ((None, None), (88, "M")):
        program["Model"].outputs.__globals__.update(AGE=person[0], SEX=person[1])
        found = program["Model"](str(path)).outputs(slices[0])["probabilities"]
        np.testing.assert_allclose(found, classifier.probabilities(slices[:1], *person)[0], atol=1e-6)
