"""Bulk answers by several processes, each with an interpreter of its own."""

from collections.abc import Iterable, Iterator
from functools import partial

from alzedge.inference.answering import Result, Workload, answerer
from alzedge.inference.inputs import Item
from alzedge.utils.processes import map_in_processes


def answer_in_processes(chunks: Iterable[list[Item]], workload: Workload) -> Iterator[Result]:
    """Answer for chunks in `workload.jobs` processes (see `map_in_processes`); results come in the order of the items.

    Raises:
        UserError: the model cannot be loaded, or a process was ended from outside.
    """
    for results in map_in_processes(partial(_answer, workload), chunks, workload.jobs):
        yield from results


def _answer(workload: Workload, chunk: list[Item]) -> list[Result]:
    return answerer(workload)(chunk)
