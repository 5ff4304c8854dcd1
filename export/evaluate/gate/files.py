"""The gate's checks on the files themselves: size, and time per slice beside the champion's."""

from pathlib import Path

from alzedge.export.benchmark.latency import time_models
from alzedge.export.benchmark.speedup import speed_ratio
from alzedge.export.evaluate.gate.settings import GateSettings
from alzedge.model_file.decision import Check
from alzedge.model_file.read_write import read_onnx, read_tflite
from alzedge.utils.fresh_process import in_process

_NEW, _CHAMPION = "new", "champion"


def check_files(new: Path, champion: Path, settings: GateSettings) -> tuple[Check, ...]:
    """Check size and speed of a `.tflite` or `.onnx` file against the champion's.

    The size is that of weights and graph, since records differ in length. Time is measured side by side in one process, the
    models taking turns, and given as a ratio.

    Args:
        new, champion: files of ours.
        settings: limits.

    Raises:
        UserError: a file that the runtime cannot run.
    """
    ratio = _model_bytes(new) / _model_bytes(champion)
    checks = [Check("size, new by champion", ratio, ratio, ratio, settings.size_ratio, at_least=False)]
    if settings.calls:
        rounds = in_process(1, time_models, {_NEW: new, _CHAMPION: champion}, settings.calls, 1)
        medians = {name: [sorted(one)[len(one) // 2] for one in of_model] for name, of_model in rounds.items()}
        time = speed_ratio(medians[_NEW], medians[_CHAMPION])
        limit = settings.latency_ratio
        checks.append(Check("time per slice, new by champion", time.value, time.low, time.high, limit, at_least=False))
    return tuple(checks)


def _model_bytes(path: Path) -> int:
    read = read_onnx if path.suffix.lower() == ".onnx" else read_tflite
    return len(read(path)[0])
