"""Answers for any number of slices and volumes, in order and in constant memory.

Items travel in chunks. A chunk is read, decoded and answered where an interpreter is: in this
process, in processes of their own (`alzedge.inference.multiprocess`) or on a Ray cluster (`alzedge.inference.on_ray`).
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from alzedge.imaging.file_types import IMAGE
from alzedge.inference.answering import Result, Workload, answerer
from alzedge.inference.inputs import PROBLEM, Item

# Enough slices to share the cost of a call to NumPy; few enough to lie in the cache.
_CHUNK = 16


def answer_items(
    items: Iterable[Item], workload: Workload, on_share: Callable[[float], None] = lambda share: None
) -> Iterator[Result]:
    """Answer for items, one result each, in their order.

    An item that cannot be read gives a result with an error and stops nothing.

    Args:
        items: in order.
        workload: settings.
        on_share: called with the share of the work on a volume that is done, where this process does it.

    Raises:
        UserError: the model cannot be loaded, a process was ended from outside, or Ray is missing.
    """
    if workload.on_ray:
        from alzedge.inference.on_ray import answer_on_ray

        return answer_on_ray(chunks(items), workload)
    if workload.jobs > 1:
        from alzedge.inference.multiprocess import answer_in_processes

        return answer_in_processes(chunks(items), workload)
    here = answerer(workload)
    here.on_share = on_share
    return chain.from_iterable(map(here, chunks(items)))


def chunks(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Up to 16 slices at a time; a volume by itself."""
    chunk: list[Item] = []
    for item in items:
        single = item.kind in (IMAGE, PROBLEM)
        if chunk and (not single or len(chunk) == _CHUNK):
            yield chunk
            chunk = []
        if single:
            chunk.append(item)
        else:
            yield [item]
    if chunk:
        yield chunk
