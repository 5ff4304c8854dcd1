"""Progress of a registration, told by the process that does it and shown on the page."""

import asyncio
import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

_SECONDS = 0.5


@contextlib.contextmanager
def reporting(show: Callable[..., object]) -> Iterator[Path]:
    """A file to which a worker writes the share that is done, and a task that shows it, within the block.

    Args:
        show: called with the share, 0 to 1, and `desc`, such as a `gradio.Progress`.
    """
    with tempfile.TemporaryDirectory(prefix="alzedge-share-") as folder:
        report = Path(folder) / "share"
        task = asyncio.get_running_loop().create_task(_watch(report, show))
        try:
            yield report
        finally:
            task.cancel()


async def _watch(report: Path, show: Callable[..., object]) -> None:
    while True:
        await asyncio.sleep(_SECONDS)
        with contextlib.suppress(OSError, ValueError):  # not begun, or half written
            show(float(report.read_text()), desc="bringing the scan into the frame")
