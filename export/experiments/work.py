"""Working through cells: several processes may share one folder, and each takes the next cell that nobody works on."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from alzedge.data.dataset import DataSet
from alzedge.export.experiments.cells import BusyError, run_cell
from alzedge.export.experiments.stored import MEMORY, CellResult, finished, forget_refusals, memory_cure, result_file
from alzedge.export.experiments.table import Cell
from alzedge.teacher.phases import Resources
from alzedge.utils.files import write_json, write_text
from alzedge.utils.progress import OnPhase, quiet_phase

# Called with each cell that has come to an end.
OnCell = Callable[[Cell, CellResult], None]

_PLAIN = Resources()
_PAUSE = 0.5  # seconds, while others make what the cells that are left need
_TRIES = 2


def work(
    out: Path,
    cells: Sequence[Cell],
    dataset: DataSet,
    resources: Resources = _PLAIN,
    on_phase: OnPhase = quiet_phase,
    on_cell: OnCell = lambda cell, result: None,
    stop_after: float | None = None,
) -> None:
    """Train the cells that are not finished, in their order.

    A cell of another process, or one that waits for what another process is making, is left for later. A cell whose
    process was killed is tried once more; killed again, it is reported as too large for the memory. What an earlier
    call refused is tried again.

    Args:
        out: folder of the study, shared by all processes that work on it.
        cells: see `alzedge.export.experiments.table.cells_of`.
        dataset: to learn from and to test on.
        resources: whether Weights & Biases keeps the loss curves, too.
        on_phase: see `alzedge.export.pipeline.run`.
        on_cell: told of each cell that this process has finished.
        stop_after: seconds from now on after which no other cell is begun.

    Raises:
        UserError: the folder holds trainings on other data, or a damaged result.
    """
    end = time.monotonic() + (float("inf") if stop_after is None else stop_after)
    forget_refusals(out, cells)
    left = list(cells)
    while left := [cell for cell in left if finished(out, cell, dataset) is None]:
        if time.monotonic() > end:
            return
        if not take_free(out, left, dataset, resources, on_phase, on_cell, end):
            time.sleep(_PAUSE)


def take_free(
    out: Path,
    cells: Sequence[Cell],
    dataset: DataSet,
    resources: Resources = _PLAIN,
    on_phase: OnPhase = quiet_phase,
    on_cell: OnCell = lambda cell, result: None,
    end: float = float("inf"),
) -> int:
    """Go through the cells once, and train those that are free; see `work`.

    Args:
        out, cells, dataset, resources, on_phase, on_cell: see `work`.
        end: value of `time.monotonic` after which no other cell is begun.

    Returns:
        How many were trained.
    """
    taken = 0
    for cell in cells:
        if time.monotonic() > end:
            break
        if finished(out, cell, dataset) is not None:
            continue
        with _claimed(out, cell) as claimed:
            if claimed and finished(out, cell, dataset) is None:
                with suppress(BusyError):
                    on_cell(cell, _attempt(out, cell, dataset, resources, on_phase))
                    taken += 1
    return taken


def _attempt(out: Path, cell: Cell, dataset: DataSet, resources: Resources, on_phase: OnPhase) -> CellResult:
    """Train a cell. What counts is that a killed process leaves its mark behind, and one that was interrupted does not."""
    mark = out / "locks" / f"{cell.key}.tries"
    text = mark.read_text("utf-8", "replace") if mark.exists() else ""
    tries = int(text) if text.isdecimal() else 0
    if tries >= _TRIES:
        message = f"Its process was killed twice, as happens when memory is too small; {memory_cure(out, cell)}"
        result = CellResult(MEMORY, message, 0.0, (), cell.experiment.recipe.to_dict(), dataset.fingerprint)
        write_json(result_file(out, cell), result.to_json())
        mark.unlink()  # or it would not be tried again when the result is removed
        return result
    write_text(mark, str(tries + 1))
    try:
        return run_cell(out, cell, dataset, resources, on_phase)
    finally:
        mark.unlink(missing_ok=True)


@contextmanager
def _claimed(out: Path, cell: Cell) -> Iterator[bool]:
    """Hold a cell; False where another process does."""
    lock = out / "locks" / f"{cell.key}.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(lock, blocking=False):
            yield True
    except Timeout:
        yield False
