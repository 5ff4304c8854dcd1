"""The benchmark measures: operations by hand, files byte by byte, real processes, and one set of numbers everywhere."""

import csv
import gzip
import io
import json
import os
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from helpers.commands import assert_refused, run_cli
from matplotlib.backends.backend_agg import FigureCanvasAgg

from alzedge.errors import UserError
from alzedge.export.benchmark.latency import measure_alone, time_models
from alzedge.export.benchmark.macs import Cost, count_cost, keras_cost, onnx_cost
from alzedge.export.benchmark.micro import arena_bytes, micro_installed, micro_outputs
from alzedge.export.benchmark.plot import draw_accuracy_latency
from alzedge.export.benchmark.profiler import profile_operators
from alzedge.export.benchmark.reference_models import efficientnet_lite0
from alzedge.export.benchmark.speedup import check_goals, speed_ratio
from alzedge.export.benchmark.tables import csv_table, markdown_table, size_rows, speed_rows, text_table
from alzedge.model_file.read_write import read_tflite, write_tflite
from alzedge.utils.fresh_process import in_process

INT8, FLOAT32 = "student_int8.tflite", "student_float32.tflite"


@pytest.fixture(scope="module")
def benchmark(tiny_run: Path) -> dict[str, Any]:
    return json.loads((tiny_run / "benchmark.json").read_text())


def test_operations_of_the_student_are_those_counted_by_hand(tiny_run: Path) -> None:
    """52 x 44 inputs; 12, 24 and 48 filters of 3 x 3, each followed by halving; 32 units; 4 stages."""
    multiply_adds = 52 * 44 * 12 * 9 + 26 * 22 * 24 * 9 * 12 + 13 * 11 * 48 * 9 * 24 + 48 * 32 + 32 * 4
    parameters = (9 * 12 + 12) + (9 * 12 * 24 + 24) + (9 * 24 * 48 + 48) + (48 * 32 + 32) + (32 * 4 + 4)
    assert count_cost(tiny_run / INT8) == count_cost(tiny_run / FLOAT32) == Cost(multiply_adds, parameters)
    # In Keras batch norm has four numbers per filter where a folded convolution has one bias.
    batch_norm = 3 * (12 + 24 + 48)
    assert count_cost(tiny_run / "subject/student.keras") == Cost(multiply_adds, parameters + batch_norm)


@pytest.mark.parametrize(
    ("build", "multiply_adds", "parameters"),
    [
        # Howard et al. 2019, table 3: 56 M and 2.5 M; He et al. 2016: 3.8 G and 25.6 M.
        (lambda: keras.applications.MobileNetV3Small(input_shape=(224, 224, 3), weights=None), 57.5e6, 2.55e6),
        (lambda: keras.applications.ResNet50(input_shape=(224, 224, 3), weights=None), 3.9e9, 25.6e6),
        # Its published table says 407 M and 4.7 M.
        (lambda: efficientnet_lite0((224, 224, 3), 1000), 396e6, 4.7e6),
    ],
    ids=["MobileNetV3-Small", "ResNet-50", "EfficientNet-Lite0"],
)
def test_operations_of_known_networks_are_the_published_ones(
    build: Any, multiply_adds: float, parameters: float
) -> None:
    cost = keras_cost(build())
    assert cost.multiply_adds == pytest.approx(multiply_adds, rel=0.03)
    assert cost.parameters == pytest.approx(parameters, rel=0.02)


def test_operations_of_an_onnx_graph_are_counted_whatever_the_side_of_the_weights() -> None:
    """A convolution of 6 x 5 x 5 filters over 2 channels in two groups, then Gemm both ways round and MatMul."""
    from onnx import TensorProto, helper

    def weights(name: str, *shape: int) -> Any:
        return helper.make_tensor(name, TensorProto.FLOAT, shape, np.zeros(shape, np.float32).ravel())

    nodes = [
        helper.make_node("Conv", ["x", "conv", "bias"], ["map"], group=2),
        helper.make_node("Relu", ["map"], ["on"]),
        helper.make_node("Flatten", ["on"], ["flat"]),
        helper.make_node("Gemm", ["flat", "turned"], ["seven"], transB=1),
        helper.make_node("Gemm", ["seven", "plain"], ["three"]),
        helper.make_node("MatMul", ["three", "last"], ["y"]),
    ]
    initializers = [weights("conv", 6, 1, 5, 5), weights("bias", 6), weights("turned", 7, 6 * 4 * 3)]
    initializers += [weights("plain", 7, 3), weights("last", 3, 4)]
    given = [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 2, 8, 7))]
    answered = [helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 4))]
    graph = helper.make_graph(nodes, "graph", given, answered, initializers)
    cost = onnx_cost(helper.make_model(graph).SerializeToString())
    multiply_adds = 4 * 3 * 6 * 25 + 72 * 7 + 7 * 3 + 3 * 4
    assert cost == Cost(multiply_adds, 6 * 25 + 6 + 72 * 7 + 7 * 3 + 3 * 4)


def test_speed_is_a_ratio_within_rounds_with_its_interval() -> None:
    assert speed_ratio([4.0] * 10, [2.0] * 10) == {"value": 2.0, "low": 2.0, "high": 2.0}
    drift = np.linspace(1, 3, 10)  # the machine slows down for both
    drifted = speed_ratio((6 * drift).tolist(), (2 * drift).tolist())
    assert drifted == pytest.approx({"value": 3.0, "low": 3.0, "high": 3.0})
    noise = np.random.default_rng(0).normal(1, 0.1, (2, 10))
    noisy = speed_ratio((5 * noise[0]).tolist(), noise[1].tolist())
    assert noisy["low"] < noisy["value"] < noisy["high"]
    assert noisy["low"] < 5 < noisy["high"] and noisy["high"] - noisy["low"] < 2


def test_goals_are_judged_by_the_low_end_of_the_interval() -> None:
    def entry(kind: str, milliseconds: list[float], goal: float | None = None) -> dict[str, Any]:
        latency = {"threads_1": {"rounds": milliseconds}}
        found = {"kind": kind, "bytes": 65 << 10, "arena_bytes": 256 << 10}
        return found | {"latency_ms": latency, "times_faster_goal": goal}

    shaky = [2.0] * 3 + [5.0] * 7
    models = {"a.tflite": entry("student-int8", [1.0] * 10), "b": entry("x", [4.0] * 10, 3), "c": entry("x", shaky, 3)}
    size, arena, steady, unsteady = check_goals(models)
    assert not size["reached"] and arena["reached"]
    assert steady["measured"] == 4 and steady["reached"]
    assert unsteady["measured"] == 5 and not unsteady["reached"]
    assert check_goals({"b": models["b"]}) == []


def test_a_run_s_benchmark_holds_everything(benchmark: dict[str, Any], tiny_run: Path) -> None:
    for name, model in benchmark["models"].items():
        path = tiny_run / name if name.endswith(".tflite") else tiny_run / "subject" / name
        assert model["bytes"] == path.stat().st_size
        assert model["gzip_bytes"] == len(gzip.compress(path.read_bytes(), 9, mtime=0))
        assert Cost(model["multiply_adds"], model["parameters"]) == count_cost(path)
        assert model["load_ms"] > 0 and model["first_call_ms"] > 0 and not model["rival"]
        for times in model["latency_ms"].values():
            assert 0 < times["p50"] <= times["p90"] <= times["p95"] and len(times["rounds"]) == 10
            assert times["speed"]["low"] <= times["speed"]["value"] <= times["speed"]["high"]
    models = benchmark["models"]
    assert models["teacher.keras"]["latency_ms"]["threads_2"]["speed"] == {"value": 1.0, "low": 1.0, "high": 1.0}
    assert [models[name]["kind"] for name in (INT8, FLOAT32)] == ["student-int8", "student-float32"]
    if Path("/proc/self/status").exists():  # TensorFlow alone is larger than LiteRT with a student
        sizes = {name: model["memory_bytes"]["process"] for name, model in models.items()}
        assert sizes["student.keras"] > 2 * sizes[INT8] > 2 * 2**20
    assert benchmark["goals"][0] == {
        "what": "bytes of the file with its record",
        "measured": models[INT8]["bytes"],
        "goal": 65536,
        "reached": True,
    }


def test_tables_and_csv_show_the_numbers_of_the_json(benchmark: dict[str, Any], tiny_run: Path) -> None:
    models = benchmark["models"]
    rows = list(csv.DictReader(io.StringIO((tiny_run / "benchmark.csv").read_text())))
    assert (tiny_run / "benchmark.csv").read_text() == csv_table(benchmark)
    assert [row["model"] for row in rows] == list(models)
    accuracies = benchmark["splits"]["subject"]["models"]
    for row, speed, size in zip(rows, speed_rows(benchmark)[1:], size_rows(benchmark)[1:], strict=False):
        model = models[row["model"]]
        one = model["latency_ms"]["threads_1"]
        assert float(row["latency_ms.threads_1.p90"]) == one["p90"]
        assert int(row["multiply_adds"]) == model["multiply_adds"] and int(row["gzip_bytes"]) == model["gzip_bytes"]
        accuracy = accuracies[row["model"]]["slice"]["stages4"]["accuracy"]["value"]
        assert float(row["subject.slice.stages4.accuracy.value"]) == pytest.approx(accuracy, abs=1e-6)
        assert speed[0] == size[0] == row["model"]
        assert f"{one['p50']:.2f}/{one['p90']:.2f}/{one['p95']:.2f}" in speed and f"{accuracy:.3f} (" in speed[2]
        assert float(speed[-1].split("x (")[0]) == pytest.approx(one["speed"]["value"], rel=0.05)
        assert f"{model['multiply_adds'] / 1e6:.1f}" in size and f"{model['parameters']:,}" in size
    assert (tiny_run / "benchmark.md").read_text() == markdown_table(benchmark) + "\n"
    assert "bytes of the file with its record: at most 65,536" in markdown_table(benchmark)


def many_models(benchmark: dict[str, Any], latencies: list[float]) -> dict[str, Any]:
    """As many models as latencies, made from a run's; every third is a rival."""
    template, figures = benchmark["models"][INT8], benchmark["splits"]["subject"]["models"][INT8]
    models, found = {}, {}
    for i, latency in enumerate(latencies):
        times = {
            "p50": latency,
            "p90": latency * 1.1,
            "p95": latency * 1.3,
            "speed": template["latency_ms"]["threads_1"]["speed"],
        }
        name = f"model_with_a_long_name_{i}_float32.tflite"
        models[name] = template | {
            "rival": i % 3 == 2,
            "bytes": 10_000 * 3**i,
            "latency_ms": dict.fromkeys(("threads_1", "threads_2"), times),
        }
        if i % 3 != 2:
            found[name] = figures
    split = benchmark["splits"]["subject"] | {"models": found}
    return benchmark | {"models": models, "splits": {"official": split, "subject": split}}


@pytest.mark.parametrize("latencies", [[0.5 + i / 1000 for i in range(14)], np.geomspace(0.3, 300, 14).tolist(), [1.0]])
def test_names_in_the_plot_never_meet(benchmark: dict[str, Any], latencies: list[float]) -> None:
    figure = draw_accuracy_latency(many_models(benchmark, latencies))
    FigureCanvasAgg(figure).draw()
    names = [label for axis in figure.axes for label in axis.get_yticklabels() if "model_with" in label.get_text()]
    boxes = [name.get_window_extent() for name in names if name.get_visible()]
    assert len(boxes) == len(latencies)
    assert not [1 for i, a in enumerate(boxes) for b in boxes[:i] if a.overlaps(b)]
    assert all(figure.bbox.x0 <= box.x0 and box.x1 <= figure.axes[0].bbox.x0 for box in boxes)
    assert text_table(many_models(benchmark, latencies)).count("model_with_a_long_name_0_") == 2


def test_measuring_happens_in_a_process_of_its_own(tiny_run: Path) -> None:
    assert in_process(1, os.getpid) != os.getpid()
    assert in_process(2, os.getenv, "OMP_NUM_THREADS") == "2"
    with pytest.raises(UserError, match="died"):
        in_process(1, os._exit, 3)
    with pytest.raises(UserError, match="no such model file"):
        in_process(1, measure_alone, tiny_run / "absent.tflite")
    rounds = in_process(1, time_models, {"int8": tiny_run / INT8}, 15, 1)["int8"]
    assert [len(one) for one in rounds] == [2] * 10 and min(map(min, rounds)) > 0
    alone = in_process(1, measure_alone, tiny_run / INT8)
    assert alone["kind"] == "student-int8" and alone["load_ms"] > 0 and alone["first_call_ms"] > 0


def test_a_file_that_the_runtime_cannot_run_is_one_sentence(tiny_run: Path, tmp_path: Path) -> None:
    """A flatbuffer cut in half, in a file whose hash is right: only the interpreter can tell."""
    flatbuffer, record = read_tflite(tiny_run / INT8)
    broken = tmp_path / "broken.tflite"
    write_tflite(broken, flatbuffer[: len(flatbuffer) // 2], record)
    result = run_cli("benchmark", broken, "--recipe", tiny_run / "recipe.toml", "--out", tmp_path / "b")
    assert_refused(result, "broken.tflite")
    assert not (tmp_path / "b").exists()


@pytest.mark.skipif(not micro_installed(), reason="tflite-micro is not installed; it has wheels for Linux on x86-64")
def test_micro_gives_the_answers_of_litert_s_own_kernels(tiny_run: Path) -> None:
    """Equal, byte for byte, without XNNPACK, whose rounding of sums differs."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    flatbuffer, _ = read_tflite(tiny_run / INT8)
    inputs = np.random.default_rng(0).integers(-128, 128, (8, 52, 44, 1), dtype=np.int8)
    inputs[0] = -128
    without = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = Interpreter(model_content=flatbuffer, experimental_op_resolver_type=without)
    interpreter.allocate_tensors()
    given, answered = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    expected = []
    for image in inputs:
        interpreter.set_tensor(given, image[np.newaxis])
        interpreter.invoke()
        expected.append(interpreter.get_tensor(answered))
    (answers,) = micro_outputs(flatbuffer, inputs)
    np.testing.assert_array_equal(answers, np.concatenate(expected))
    arena = arena_bytes(flatbuffer)
    # The first map and its input lie in the arena together, and all of it within the goal.
    assert arena is not None and 52 * 44 * (12 + 1) < arena <= 256 * 1024
    assert arena_bytes(b"\0\0\0\0TFL3") is None


def test_litert_s_profile_names_every_operator(tiny_run: Path) -> None:
    profile = in_process(1, profile_operators, tiny_run / INT8)
    names = [row["operator"] for row in profile]
    assert sum("Convolution" in name for name in names) == 3 and sum("Max Pooling" in name for name in names) == 3
    assert sum(row["share"] for row in profile) == pytest.approx(1)
    slowest = max(profile, key=lambda row: row["microseconds"])
    assert "Convolution" in slowest["operator"] and slowest["microseconds"] > 0


@pytest.mark.slow
def test_rivals_are_measured_with_ours_and_built_once(tiny_run: Path, tmp_path: Path) -> None:
    out = tmp_path / "b"
    command = (
        "benchmark",
        tiny_run / INT8,
        "--recipe",
        tiny_run / "recipe.toml",
        "--out",
        out,
        "--rivals",
        "--profile",
    )
    for _ in range(2):
        result = run_cli(*command, timeout=1200)
        assert result.returncode == 0, result.stderr
        built = {path.name: path.stat().st_mtime_ns for path in (out / "rivals").iterdir()}
    found = json.loads((out / "benchmark.json").read_text())
    rivals = [name for name, model in found["models"].items() if model["rival"]]
    assert set(rivals) == set(built) and len(rivals) == 6
    assert max(built.values()) < (out / "benchmark.json").stat().st_mtime_ns
    assert {goal["goal"] for goal in found["goals"]} == {65536, 262144, 200, 100, 3}
    assert found["profiles"][INT8]
    assert all(name in result.stdout for name in rivals)


def test_a_foreign_kind_of_file_has_no_count(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="expected a .keras, .tflite or .onnx"):
        count_cost(tmp_path / "model.pt")
