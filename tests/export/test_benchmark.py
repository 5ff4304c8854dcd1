"""The benchmark measures: operations by hand, files byte by byte, real processes, and one set of numbers everywhere."""

import csv
import gzip
import io
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from helpers.commands import assert_refused, call_cli, run_cli, run_code
from helpers.micro import lite_outputs, micro_outputs
from matplotlib.backends.backend_agg import FigureCanvasAgg

from alzedge.data.dataset import DataSet
from alzedge.errors import UserError
from alzedge.export.benchmark.benchmark import benchmark_files, benchmark_models
from alzedge.export.benchmark.latency import measure_alone, time_models
from alzedge.export.benchmark.macs import Cost, count_cost, keras_cost, onnx_cost
from alzedge.export.benchmark.micro import arena_bytes, micro_installed
from alzedge.export.benchmark.plot import draw_accuracy_latency
from alzedge.export.benchmark.profiler import profile_operators
from alzedge.export.benchmark.reference_models import ReferenceModel, efficientnet_lite0
from alzedge.export.benchmark.results import (
    Benchmark,
    Footprint,
    Latency,
    MeasuredModel,
    Memory,
    OperatorTime,
    TrainingTime,
    read_benchmark,
)
from alzedge.export.benchmark.speedup import check_goals, speed_ratio
from alzedge.export.benchmark.tables import csv_table, markdown_table, size_rows, speed_rows, text_table
from alzedge.metrics.classification import evaluate
from alzedge.metrics.estimate import Estimate
from alzedge.metrics.split_evaluation import EvaluationSet, SplitEvaluation
from alzedge.metrics.tasks import STAGES4
from alzedge.model_file.bundled import bundled_heat_map_model, bundled_model
from alzedge.model_file.read_write import read_record, read_tflite, write_tflite
from alzedge.runs.recipe_file import load_recipe
from alzedge.stages import STAGES
from alzedge.utils.fresh_process import in_process
from alzedge.utils.progress import Step
from alzedge.utils.text_table import in_columns

INT8, FLOAT32 = "student_int8.tflite", "student_float32.tflite"


@pytest.fixture(scope="module")
def run_benchmark(tiny_run: Path) -> Benchmark:
    return read_benchmark(tiny_run / "benchmark.json")


def evaluation(names: list[str]) -> SplitEvaluation:
    """Figures of models on 60 slices of 12 people, answered at random."""
    rng = np.random.default_rng(0)
    labels, who = np.repeat(np.arange(12) % 4, 5), np.repeat([f"p{k}" for k in range(12)], 5)
    models = {name: evaluate(rng.dirichlet(np.ones(4), 60), labels, who, replicates=10) for name in names}
    baselines = {"majority": 0.25, "nearest_neighbour": 0.5}
    return SplitEvaluation(STAGES, EvaluationSet("a clause", 60, 12, True, baselines), models, {}, {})


def model(
    latency: float, size: int = 10_000, *, kind: str = "student-float32", is_reference: bool = False
) -> MeasuredModel:
    """A measured model, as if."""
    footprint = Footprint("m.tflite", kind, size, size // 2, 3_000_000, 65_000, 49_744, 1.5, 2.5, Memory(2**25, None))
    rounds = tuple(latency * f for f in np.linspace(0.9, 1.1, 10))
    times = Latency(latency, latency * 1.1, latency * 1.3, rounds, Estimate(2.0, 1.5, 2.5))
    return MeasuredModel(footprint, {1: times, 2: times}, is_reference)


def benchmark_of(models: dict[str, MeasuredModel]) -> Benchmark:
    """A benchmark with figures for all but the reference models."""
    split = evaluation([name for name, found in models.items() if not found.is_reference])
    goals = check_goals(models)
    return Benchmark("0.1.0", "3.12", "Linux x86_64", 10, models, goals, {"official": split, "subject": split})


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
    assert speed_ratio([4.0] * 10, [2.0] * 10) == Estimate(2, 2, 2)
    drift = np.linspace(1, 3, 10)  # the machine slows down for both
    drifted = speed_ratio((6 * drift).tolist(), (2 * drift).tolist())
    assert (drifted.value, drifted.low, drifted.high) == pytest.approx((3, 3, 3))
    noise = np.random.default_rng(0).normal(1, 0.1, (2, 10))
    noisy = speed_ratio((5 * noise[0]).tolist(), noise[1].tolist())
    assert noisy.low < noisy.value < noisy.high
    assert noisy.low < 5 < noisy.high and noisy.high - noisy.low < 2


def test_goals_are_reached_by_the_low_end_of_the_interval() -> None:
    def entry(kind: str, milliseconds: list[float], goal: float | None = None) -> MeasuredModel:
        found = model(1, 65 << 10, kind=kind)
        footprint = replace(found.footprint, arena_bytes=256 << 10)
        return MeasuredModel(footprint, {1: replace(found.latency[1], rounds=tuple(milliseconds))}, bool(goal), goal)

    shaky = [2.0] * 3 + [5.0] * 7
    models = {"a.tflite": entry("student-int8", [1.0] * 10), "b": entry("x", [4.0] * 10, 3), "c": entry("x", shaky, 3)}
    size, arena, steady, unsteady = check_goals(models)
    assert not size.reached and arena.reached and size.ratio is None
    assert steady.measured == 4 and steady.reached
    assert unsteady.measured == 5 and not unsteady.reached
    assert check_goals({"b": models["b"]}) == ()
    notes = markdown_table(
        benchmark_of({name: replace(m, latency={1: m.latency[1], 2: m.latency[1]}) for name, m in models.items()})
    )
    assert "bytes of the file with its record: at most 65,536, measured 66,560: not reached." in notes
    assert "times faster than b: at least 3x, measured 4.0x (4.0-4.0): reached." in notes


def test_a_run_s_benchmark_holds_everything(run_benchmark: Benchmark, tiny_run: Path) -> None:
    models = run_benchmark.models
    for name, found in models.items():
        path, needs = tiny_run / name if name.endswith(".tflite") else tiny_run / "subject" / name, found.footprint
        assert needs.bytes == path.stat().st_size
        assert needs.gzip_bytes == len(gzip.compress(path.read_bytes(), 9, mtime=0))
        assert Cost(needs.multiply_adds, needs.parameters) == count_cost(path)
        assert needs.load_ms > 0 and needs.first_call_ms > 0 and not found.is_reference
        assert list(found.latency) == [1, 2]
        for times in found.latency.values():
            assert 0 < times.p50 <= times.p90 <= times.p95 and len(times.rounds) == 10
            assert times.speed.low <= times.speed.value <= times.speed.high
    assert models["teacher.keras"].latency[2].speed == Estimate(1, 1, 1)
    assert [models[name].footprint.kind for name in (INT8, FLOAT32)] == ["student-int8", "student-float32"]
    if Path("/proc/self/status").exists():  # TensorFlow alone is larger than LiteRT with a student
        assert models["student.keras"].footprint.memory_bytes.process > 2 * models[INT8].footprint.memory_bytes.process
        assert models[INT8].footprint.memory_bytes.process > 2**20
    size = run_benchmark.goals[0]
    assert (size.measured, size.goal, size.reached) == (models[INT8].footprint.bytes, 65536, True)
    assert json.loads((tiny_run / "benchmark.json").read_text()) == run_benchmark.to_json()
    assert (tiny_run / "benchmark.csv").read_text() == csv_table(run_benchmark)
    assert (tiny_run / "benchmark.md").read_text() == markdown_table(run_benchmark) + "\n"


def test_the_file_comes_back_as_it_was_and_malformed_ones_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "benchmark.json"
    benchmark = benchmark_of(
        {INT8: model(1, kind="student-int8"), "b": replace(model(4, is_reference=True), times_faster_goal=3)}
    )
    profiled = replace(benchmark, profiles={INT8: (OperatorTime("conv", 12.5, 1.0),)})
    timed = replace(benchmark, training=TrainingTime("Linux", 2, {"subject/pretrain": 1.5}))
    for found in (benchmark, profiled, timed):
        path.write_text(json.dumps(found.to_json()))
        assert read_benchmark(path) == found
    assert timed.to_json()["training"]["seconds"] == {"subject/pretrain": 1.5} and "profiles" not in timed.to_json()
    assert "training" not in profiled.to_json() and profiled.to_json()["models"]["b"]["rival"] is True
    content = benchmark.to_json()
    latency = content["models"][INT8]["latency_ms"]["threads_1"]
    for broken in (
        [],
        {},
        content | {"goals": [{"what": "x"}]},
        content | {"models": {"a": {}}},
        content | {"splits": 3},
    ):
        path.write_text(json.dumps(broken))
        with pytest.raises(UserError, match=r"benchmark\.json is not a benchmark\.json; name the one"):
            read_benchmark(path)
    del latency["speed"]["low"]
    path.write_text(json.dumps(content))
    with pytest.raises(UserError, match="is not a"):
        read_benchmark(path)


def test_tables_and_csv_show_the_numbers_of_the_json() -> None:
    models = {
        INT8: model(0.5, 62_698, kind="student-int8"),
        "teacher.keras": model(4.42, 2_689_464),
        "mobilenet": model(3, is_reference=True),
    }
    benchmark = benchmark_of(models)
    rows = list(csv.DictReader(io.StringIO(csv_table(benchmark))))
    assert [row["model"] for row in rows] == list(models)
    for row, speed, size in zip(rows[:2], speed_rows(benchmark)[1:], size_rows(benchmark)[1:], strict=False):
        found, evaluated = models[row["model"]], benchmark.splits["subject"].models[row["model"]]
        one, needs = found.latency[1], found.footprint
        assert float(row["latency_ms.threads_1.p90"]) == one.p90
        assert int(row["multiply_adds"]) == needs.multiply_adds and int(row["gzip_bytes"]) == needs.gzip_bytes
        accuracy = evaluated.slice.figure(STAGES4, "accuracy")
        assert accuracy and float(row["subject.slice.stages4.accuracy.value"]) == pytest.approx(
            accuracy.value, abs=1e-6
        )
        assert speed[0] == size[0] == row["model"]
        assert f"{one.p50:.2f}/{one.p90:.2f}/{one.p95:.2f}" in speed and speed[2] == speed[4] == accuracy.short()
        assert speed[-1] == "2.0x (1.5-2.5)"
        assert size[1:6] == [f"{needs.bytes / 1024:.0f}", f"{needs.gzip_bytes / 1024:.0f}", "65,000", "3.0", "49"]
        assert size[-2:] == ["32.0", "-"]
    reference = speed_rows(benchmark)[3]
    assert reference[0] == "mobilenet" and reference[2:6] == ["-"] * 4 and rows[2]["subject.person.n"] == ""
    assert speed_rows(benchmark)[-1][:3] == ["majority class", "", "0.250"]
    assert "Models without accuracy are reference models" in markdown_table(benchmark)
    long = replace(benchmark, models={f"{name} {'x' * 70}": found for name, found in models.items()})
    assert all(
        len(line) <= 100 for line in "\n".join(map(in_columns, (speed_rows(long), size_rows(long)))).splitlines()
    )
    profiled = replace(benchmark, profiles={INT8: (OperatorTime("conv", 12.5, 0.75),)})
    assert "| 1 | conv | 12 | 75.0% |" in markdown_table(profiled) and "by operator" in text_table(profiled)


def many_models(latencies: list[float]) -> Benchmark:
    """As many models as latencies; every third is a reference model."""
    return benchmark_of(
        {
            f"model_with_a_long_name_{i}_float32.tflite": model(latency, 10_000 * 3**i, is_reference=i % 3 == 2)
            for i, latency in enumerate(latencies)
        }
    )


@pytest.mark.parametrize("latencies", [[0.5 + i / 1000 for i in range(14)], np.geomspace(0.3, 300, 14).tolist(), [1.0]])
def test_names_in_the_plot_never_meet(latencies: list[float]) -> None:
    benchmark = many_models(latencies)
    figure = draw_accuracy_latency(benchmark)
    FigureCanvasAgg(figure).draw()
    names = [label for axis in figure.axes for label in axis.get_yticklabels() if "model_with" in label.get_text()]
    boxes = [name.get_window_extent() for name in names if name.get_visible()]
    assert len(boxes) == len(latencies)
    assert not [1 for i, a in enumerate(boxes) for b in boxes[:i] if a.overlaps(b)]
    assert all(figure.bbox.x0 <= box.x0 and box.x1 <= figure.axes[0].bbox.x0 for box in boxes)
    # Each table says each name whole, in more than one line where the columns are narrow.
    first = "model_with_a_long_name_0_float32.tflite"
    for rows in (speed_rows(benchmark), size_rows(benchmark)):
        table = in_columns(rows)
        assert table in text_table(benchmark)
        assert "".join(line.split("  ")[0] for line in table.splitlines()[2:]).count(first) == 1


def test_measuring_happens_in_a_process_of_its_own(tmp_path: Path) -> None:
    assert in_process(1, os.getpid) != os.getpid()
    assert in_process(2, os.getenv, "OMP_NUM_THREADS") == "2"
    with pytest.raises(UserError, match="died"):
        in_process(1, os._exit, 3)
    with pytest.raises(UserError, match="no such model file"):
        in_process(1, measure_alone, tmp_path / "absent.tflite")
    rounds = in_process(1, time_models, {"int8": bundled_model()}, 15, 1)["int8"]
    assert [len(one) for one in rounds] == [2] * 10 and min(map(min, rounds)) > 0


def test_models_are_measured_side_by_side_and_the_first_is_the_reference_of_the_speeds() -> None:
    steps: list[Step] = []
    files = {"heat_map": bundled_heat_map_model(), INT8: bundled_model()}
    others = {INT8: ReferenceModel(bundled_model(), 3.0)}
    found = benchmark_models({"heat_map": files["heat_map"]}, {}, 10, steps.append, others)
    assert list(found.models) == list(files) and [step.step for step in steps] == [1, 2, 3, 4]
    assert found.models["heat_map"].latency[1].speed == Estimate(1, 1, 1)
    assert found.models[INT8].is_reference and found.models[INT8].times_faster_goal == 3
    assert not found.models["heat_map"].is_reference and (found.calls, found.splits) == (10, {})
    for name, measured in found.models.items():
        assert measured.footprint.bytes == files[name].stat().st_size and list(measured.latency) == [1, 2]
    assert [goal.what for goal in found.goals][-1] == f"times faster than {INT8}"


def test_a_file_that_the_runtime_cannot_run_is_one_sentence(phantoms: DataSet, tmp_path: Path) -> None:
    """A flatbuffer cut in half, in a file whose hash is right: only the interpreter can tell."""
    flatbuffer, record = read_tflite(bundled_model())
    broken = tmp_path / "broken.tflite"
    data = record["dataset"] | {"fingerprint": phantoms.fingerprint}
    write_tflite(broken, flatbuffer[: len(flatbuffer) // 2], record | {"dataset": data})
    recipe = tmp_path / "recipe.toml"
    recipe.write_text("[phantoms]\nsubjects = 20\nslices = 5\n")
    result = call_cli("benchmark", broken, "--recipe", recipe, "--out", tmp_path / "b")
    assert_refused(result, "broken.tflite")
    assert not (tmp_path / "b").exists()


def test_other_data_can_be_tested_on(phantoms: DataSet, tmp_path: Path) -> None:
    """Phantoms of which the bundled model knows nothing, and nobody's training data at hand."""
    recipe = load_recipe("quick", settings=("benchmark.calls=10",))
    found = benchmark_files([bundled_model()], None, recipe, tmp_path / "out", test=phantoms)
    (split,) = found.splits.values()
    assert split.evaluated_on.slices == len(phantoms) and split.evaluated_on.unseen_people is None
    statement = split.exposure[bundled_model().name].statement
    assert statement.startswith("People unknown to the model, so far as can be told.")
    assert "external data" in (tmp_path / "out/benchmark.md").read_text()
    with pytest.raises(UserError, match="no slice is left"):
        benchmark_files([bundled_model()], phantoms, recipe, tmp_path / "out", test=phantoms)
    with pytest.raises(UserError, match="No data to test on"):
        benchmark_files([bundled_model()], None, recipe, tmp_path / "out")


def test_models_that_cannot_be_compared_are_refused(phantoms: DataSet, tmp_path: Path) -> None:
    flatbuffer, record = read_tflite(bundled_model())
    data = record["dataset"] | {"fingerprint": phantoms.fingerprint}
    for name, fold in (("a", 0), ("b", 1)):
        made = {"dataset": data, "split": record["split"] | {"name": "subject", "fold": fold}}
        write_tflite(tmp_path / f"{name}.tflite", flatbuffer, record | made)
    both, out = [tmp_path / "a.tflite", tmp_path / "b.tflite"], tmp_path / "out"
    with pytest.raises(UserError, match=r"different splits \(a.tflite: subject, fold 0, b.tflite: subject, fold 1\)"):
        benchmark_files(both, phantoms, load_recipe("quick"), out)
    with pytest.raises(UserError, match="same file name"):
        benchmark_files([both[0], tmp_path / "x" / "a.tflite"], phantoms, load_recipe("quick"), out)
    assert_refused(call_cli("benchmark", tmp_path / "none.tflite", "--out", out), "none.tflite", "no such model file")
    assert not out.exists()


@pytest.mark.skipif(not micro_installed(), reason="tflite-micro is not installed; it has wheels for Linux on x86-64")
def test_micro_gives_the_answers_of_litert_s_own_kernels_within_its_arena(tiny_run: Path) -> None:
    """Equal, byte for byte, without XNNPACK, whose rounding of sums differs."""
    flatbuffer, _ = read_tflite(tiny_run / INT8)
    inputs = np.random.default_rng(0).integers(-128, 128, (8, 52, 44, 1), dtype=np.int8)
    inputs[0] = -128
    arena = arena_bytes(flatbuffer)
    # The first map and its input lie in the arena together, and all of it within the goal.
    assert arena is not None and 52 * 44 * (12 + 1) < arena <= 256 * 1024
    expected = lite_outputs(flatbuffer, inputs, "BUILTIN_WITHOUT_DEFAULT_DELEGATES")
    np.testing.assert_array_equal(micro_outputs(flatbuffer, inputs), expected)
    assert arena_bytes(b"\0\0\0\0TFL3") is None


def test_litert_s_profile_names_every_operator() -> None:
    profile = in_process(1, profile_operators, bundled_model())
    names = [row.operator for row in profile]
    operators = read_record(bundled_model())["verdict"]["operators"]
    assert sum("Convolution" in name for name in names) == operators["CONV_2D"] == 3
    assert sum("Max Pooling" in name for name in names) == operators["MAX_POOL_2D"] > 0
    assert sum(row.share for row in profile) == pytest.approx(1)
    slowest = max(profile, key=lambda row: row.microseconds)
    assert slowest.microseconds > 0
    assert slowest.share == pytest.approx(slowest.microseconds / sum(row.microseconds for row in profile))


@pytest.mark.slow
def test_reference_models_are_measured_with_ours_and_built_once(tiny_run: Path, tmp_path: Path) -> None:
    out, recipe = tmp_path / "b", tiny_run / "recipe.toml"
    command = ("benchmark", tiny_run / INT8, "--recipe", recipe, "--out", out, "--reference-models", "--profile")
    for _ in range(2):
        result = run_cli(*command, timeout=1200)
        assert result.returncode == 0, result.stderr
        built = {path.name: path.stat().st_mtime_ns for path in (out / "reference-models").iterdir()}
    found = read_benchmark(out / "benchmark.json")
    references = [name for name, measured in found.models.items() if measured.is_reference]
    assert set(references) == set(built) and len(references) == 6
    assert max(built.values()) < (out / "benchmark.json").stat().st_mtime_ns
    assert {goal.goal for goal in found.goals} == {65536, 262144, 200, 100, 3}
    assert found.profiles and found.profiles[INT8]
    told = _first_column(result.stdout)
    assert all(name in told for name in references)


def _first_column(text: str) -> str:
    """The first column's cells of the first table in `text`, put together where they go on in the next line."""
    lines = text.splitlines()
    ruler = next(index for index, line in enumerate(lines) if line.startswith("--"))
    end = next(index for index, line in enumerate(lines) if index > ruler and not line.strip())
    return "".join(line[: len(lines[ruler].split()[0])].strip() for line in lines[ruler + 1 : end])


def test_a_foreign_kind_of_file_has_no_count(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="expected a .keras, .tflite or .onnx"):
        count_cost(tmp_path / "model.pt")


_NO_TENSORFLOW = """
import sys

class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in ('tensorflow', 'keras', 'tf_keras', 'matplotlib'):
            raise ImportError(name)

sys.meta_path.insert(0, Nothing())
"""


def test_a_pi_times_itself_without_tensorflow(tmp_path: Path) -> None:
    """In a Python that has no TensorFlow, with the bundled file; a Keras model is refused."""
    (tmp_path / "student.keras").write_bytes(b"")
    (tmp_path / "sitecustomize.py").write_text(_NO_TENSORFLOW)  # in the child processes too
    code = "import sys; sys.argv = ['alzedge', 'benchmark', '--time-only']; from alzedge.cli import main; main()"
    done = run_code(code, PYTHONPATH=os.pathsep.join([str(tmp_path), str(Path.cwd())]))
    assert run_code("import keras", PYTHONPATH=str(tmp_path)).returncode != 0
    assert done.returncode == 0, done.stderr
    header, _, row = done.stdout.splitlines()
    assert header.startswith("model") and "p50 ms, 1 thread " in header
    name, kib, macs, _, first, second = row.split()
    assert name == bundled_model().name and float(kib) > 30 and float(macs) > 1
    assert 0 < float(first) < 1000 and 0 < float(second) < 1000
    assert_refused(call_cli("benchmark", "--time-only", tmp_path / "student.keras"), "student.keras", "--time-only")
