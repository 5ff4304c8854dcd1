"""A bad model file ends in one sentence, never in the death of the process that loads it."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils
from helpers.commands import assert_refused, call_cli, run_cli, run_code

from alzedge.data.dataset import DataSet
from alzedge.errors import UserError
from alzedge.export.convert.write_tflite_metadata import pack
from alzedge.imaging.preprocessing import Preprocessing
from alzedge.inference import sandbox
from alzedge.inference.classifier import Classifier
from alzedge.inference.sandbox import load_interpreter
from alzedge.model_file import record
from alzedge.model_file.bundled import bundled_model
from alzedge.model_file.read_write import read_record, read_tflite, write_tflite

_NUMBERS = (-(2**31), -2, -1, 0, 1, 2, 3, 7, 64, 255, 4096, 65536, 2**24, 2**31 - 1)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "alzedge" / "tried"


@pytest.fixture
def slice_file(tmp_path: Path, phantoms: DataSet) -> Path:
    from PIL import Image

    Image.fromarray(phantoms.images[0]).save(tmp_path / "slice.png")
    return tmp_path / "slice.png"


def sealed(path: Path, model: Any) -> Path:
    """A changed model with the bundled file's record and a SHA-256 that fits."""
    write_tflite(path, model if isinstance(model, bytes) else pack(model), read_tflite(bundled_model())[1])
    return path


def opened() -> Any:
    return flatbuffer_utils.read_model_from_bytearray(read_tflite(bundled_model())[0])


@pytest.fixture
def killer(tmp_path: Path) -> Path:
    """A MEAN that says it is a SPLIT: LiteRT 2.3 looks for outputs that are not there."""
    model = opened()
    for code in model.operatorCodes:
        if code.builtinCode == schema.BuiltinOperator.MEAN:
            code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.SPLIT
    return sealed(tmp_path / "killer.tflite", model)


def input_shape() -> tuple[int, int, int]:
    """Of the bundled model."""
    return Preprocessing.from_dict(read_record(bundled_model())["preprocessing"]).input_shape


def test_the_killer_kills_an_unprotected_process(killer: Path) -> None:
    bare = (
        "import pathlib, numpy\nfrom alzedge.model_file.read_write import read_tflite\n"
        f"from alzedge.inference.interpreters import TFLiteInterpreter\nmodel, _ = read_tflite(pathlib.Path({str(killer)!r}))\n"
        f"TFLiteInterpreter(model)(numpy.zeros((1, *{input_shape()}), numpy.float32))"
    )
    assert run_code(bare).returncode < 0


def test_the_command_survives_it(killer: Path, slice_file: Path) -> None:
    assert_refused(
        run_cli("predict", slice_file, "--model", killer), "killer.tflite", "crashes ai-edge-litert", "again"
    )


def test_a_good_file_is_tried_once(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = sealed(tmp_path / "good.tflite", read_tflite(bundled_model())[0])
    runs = []
    real = subprocess.run
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: (runs.append(a), real(*a, **k))[1])
    blank = np.zeros((1, 208, 176), np.uint8)
    answers = [Classifier.load(path).probabilities(blank) for _ in range(2)]
    np.testing.assert_array_equal(*answers)
    (mark,) = cache.iterdir()
    assert len(runs) == 1 and "ai-edge-litert" in mark.name
    Classifier.load()
    assert len(runs) == 1  # the bundled file is known
    mark.unlink()
    Classifier.load(path)
    assert len(runs) == 2


def test_a_refused_file_is_not_remembered(killer: Path, cache: Path) -> None:
    for _ in range(2):
        with pytest.raises(UserError, match="crashes"):
            Classifier.load(killer)
    assert not cache.exists()


def test_where_nothing_can_be_remembered_files_still_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    path = sealed(tmp_path / "good.tflite", read_tflite(bundled_model())[0])
    assert Classifier.load(path).probabilities(np.zeros((1, 208, 176), np.uint8)).shape == (1, 4)


def test_a_file_that_never_answers_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "TIME_LIMIT", 0.01)
    path = sealed(tmp_path / "good.tflite", read_tflite(bundled_model())[0])
    with pytest.raises(UserError, match=r"good\.tflite.*did not answer within"):
        Classifier.load(path)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is bounded on Linux only")
def test_a_model_that_wants_too_much_memory_is_refused(tmp_path: Path) -> None:
    model = opened()
    graph = model.subgraphs[0]
    graph.tensors[graph.inputs[0]].shape = [1, 40_000, 40_000, 1]
    with pytest.raises(UserError, match=r"bomb\.tflite"):
        Classifier.load(sealed(tmp_path / "bomb.tflite", model))


def test_an_operator_newer_than_the_runtime_says_what_to_install(tmp_path: Path, slice_file: Path) -> None:
    model = opened()
    for code in model.operatorCodes:
        if code.builtinCode == schema.BuiltinOperator.FULLY_CONNECTED:
            code.version = 99
    refused = call_cli("predict", slice_file, "--model", sealed(tmp_path / "new.tflite", model))
    assert_refused(refused, "new.tflite", "FULLY_CONNECTED in version 99", "run `pip install --upgrade ai-edge-litert`")


def test_a_model_that_answers_something_else_is_refused(tmp_path: Path) -> None:
    model = opened()
    graph = model.subgraphs[0]
    graph.outputs = [graph.operators[-2].inputs[0]]
    with pytest.raises(UserError, match=r"other\.tflite.*probabilities of four stages"):
        Classifier.load(sealed(tmp_path / "other.tflite", model))


def test_a_python_that_cannot_be_started_is_named(tmp_path: Path) -> None:
    from multiprocessing import set_executable, spawn

    before = spawn.get_executable()
    set_executable("/bin/true")
    try:
        with pytest.raises(UserError, match="/bin/true could not be started"):
            Classifier.load(sealed(tmp_path / "good.tflite", read_tflite(bundled_model())[0]))
    finally:
        set_executable(before)


def test_files_of_no_sensible_size_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    huge = tmp_path / "huge.tflite"
    with huge.open("wb") as file:
        file.truncate(record.MAX_BYTES + 1)  # sparse: takes no room
    with pytest.raises(UserError, match=r"huge\.tflite is larger than 512 MiB"):
        read_record(huge)
    with pytest.raises(UserError, match="not an ordinary file"):
        read_record(Path(os.devnull))
    monkeypatch.setattr("alzedge.model_file.read_write.MAX_BYTES", 100)
    with pytest.raises(UserError, match="unpacks to more than"):
        read_record(bundled_model())


def damaged(seed: int) -> bytes:
    """A well-formed flatbuffer with one to three wrong entries; what byte flips seldom give."""
    rng = np.random.default_rng(seed)
    model = opened()
    graph = model.subgraphs[0]
    for _ in range(int(rng.integers(1, 4))):
        operator = graph.operators[rng.integers(len(graph.operators))]
        tensor = graph.tensors[rng.integers(len(graph.tensors))]
        code = model.operatorCodes[rng.integers(len(model.operatorCodes))]
        match rng.integers(7):
            case 0:
                tensor.shape = [abs(int(rng.choice(_NUMBERS))) % 2**31 for _ in tensor.shape]
            case 1:
                tensor.type = int(rng.integers(0, 20))
            case 2:
                tensor.buffer = int(rng.integers(0, len(model.buffers)))
            case 3:
                operator.inputs[rng.integers(len(operator.inputs))] = int(rng.integers(-1, len(graph.tensors)))
            case 4:
                graph.outputs[0] = int(rng.integers(0, len(graph.tensors)))
            case 5:
                code.builtinCode = int(rng.integers(0, 205))
                code.deprecatedBuiltinCode = min(code.builtinCode, 127)
            case _:
                used = model.buffers[tensor.buffer]
                if used.data is not None:
                    used.data = np.asarray(used.data)[: rng.integers(len(used.data))]
    return pack(model)


@pytest.mark.slow
def test_hundred_damaged_models_do_no_harm(tmp_path: Path) -> None:
    """All in one process: it dies if one of them harms it."""
    files = [sealed(tmp_path / f"{seed}.tflite", damaged(seed)) for seed in range(100)]
    code = (
        "import sys, pathlib, numpy\nfrom alzedge.errors import UserError\nfrom alzedge.inference.classifier import Classifier\n"
        "for path in map(pathlib.Path, sys.argv[1:]):\n"
        "    try:\n"
        "        print('answered', Classifier.load(path).probabilities(numpy.zeros((1, 208, 176), 'uint8')).shape)\n"
        "    except UserError as error:\n"
        "        assert str(path) in str(error) and str(error).count(chr(10)) == 0, error\n"
        "        print('refused')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, files)], check=False, capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stderr
    answers = done.stdout.splitlines()
    assert len(answers) == len(files) and set(answers) == {"answered (1, 4)", "refused"}


def test_both_kinds_load_by_their_names(tmp_path: Path) -> None:
    interpreter, found = load_interpreter(bundled_model(), trusted=True)
    assert found["kind"] == "student-int8"
    assert interpreter(np.zeros((2, *input_shape()), np.float32))["probabilities"].shape == (2, 4)
