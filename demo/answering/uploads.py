"""Uploaded files, read within limits: slices as pictures, or a head's scan, which is brought into the frame.

Anything can be uploaded to a page that is open to the internet. Counts and sizes are checked before a file is opened,
pixels on the header before one is decoded or unpacked. A bad file among several loses only itself.
"""

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from alzedge.deidentify.in_memory import refuse_text
from alzedge.demo.answering.heads import Fit, one_volume, read_head, told_as_damage
from alzedge.demo.answering.limits import LIMITS, WANTED, Limits, check_counts, check_size
from alzedge.errors import UserError
from alzedge.imaging.file_types import IMAGE, VOLUMES, kind_of, read_start
from alzedge.imaging.slices import HEIGHT, WIDTH, fit_slice, read_bytes
from alzedge.inference.guard import NOT_A_SLICE, Guard, unlikeness_of_misfit
from alzedge.preparation.upright import cure_for, way_of_landscape

_ALONE = "a volume beside other files; upload it by itself"

T = TypeVar("T")


@dataclass(frozen=True)
class Unread:
    """An uploaded file without an answer.

    Attributes:
        name: of the file; text from a stranger.
        problem: the sentence why, which begins with the name.
        unlikeness, cure: of a picture that the guard takes for something else than a slice, as `NotASlice` has them.
    """

    name: str
    problem: str
    unlikeness: float | None = None
    cure: str = ""


@dataclass(frozen=True)
class Upload:
    """Uploaded files as slices.

    Attributes:
        slices: uint8 (N, 208, 176).
        names: of the slices, without any folder; text from a stranger, to be escaped.
        volume: the slices are one person's, in order from foot to head.
        unread: files that could not be read, in order.
        fit: of a scan that was brought into the frame.
    """

    slices: NDArray[np.uint8]
    names: tuple[str, ...]
    volume: bool
    unread: tuple[Unread, ...] = ()
    fit: Fit | None = None

    @property
    def heights(self) -> tuple[float, ...]:
        """Heights of the slices in mm in the frame; nothing where unknown."""
        return () if self.fit is None else self.fit.heights


class NotASlice(UserError):
    """A picture of another size or mode that the guard, shown it, takes for something else than a slice.

    Args:
        name: how to call it in messages.
        unlikeness: see `alzedge.inference.classifier.Answer`.
        cure: of one on its side, the rest of the sentence; see `alzedge.preparation.upright.cure_for`.
    """

    def __init__(self, name: str, unlikeness: float, cure: str = "") -> None:
        super().__init__(name, unlikeness, cure)  # the arguments, so that it travels between processes
        self.name, self.unlikeness, self.refused = name, unlikeness, NOT_A_SLICE + cure
        self.cure = cure

    def __str__(self) -> str:
        return f"{self.name}: {self.refused}."


class Call(Protocol):
    """Calls a function for what it returns: here, or in a process with limits of its own."""

    def __call__(self, function: Callable[..., T], *arguments: object, seconds: int | None = None) -> T:
        """Call `function(*arguments)`; both, and what it returns, can be pickled.

        Args:
            function, arguments: what to call.
            seconds: of processor time; None for what a picture needs.

        Raises:
            UserError: of the function, or because it took too much time or memory.
        """


def call_here(function: Callable[..., T], *arguments: object, seconds: int | None = None) -> T:
    """Call a function in this process; see `Call`."""
    return function(*arguments)


def read_uploads(
    paths: Sequence[str | Path],
    limits: Limits = LIMITS,
    guard: Guard | None = None,
    call: Call = call_here,
    heights: tuple[float, ...] | None = None,
    report: Path | None = None,
) -> Upload:
    """Read one or more slices, or one volume.

    Args:
        paths: the files as the server stored them; their last parts are the names shown.
        limits: on counts, bytes, voxels and time.
        guard: asked about pictures of another size or mode; None tells such a picture's size only.
        call: what decodes; a pool's workers on a server.
        heights: z in mm in the frame at which a volume is cut after it was brought there; None cuts it as it lies.
        report: a file that tells, while a volume is registered, the share that is done.

    Returns:
        At least one slice, and the files that could not be read.

    Raises:
        NotASlice: one picture, and the guard takes it for something else.
        UserError: nothing, too much, or no file among them that can be read.
    """
    files = [Path(path) for path in paths]
    check_counts(files, limits)
    unread: dict[Path, Unread] = {}
    kinds: dict[Path, str] = {}
    for file in files:
        try:
            check_size(file, limits)
            kinds[file] = _kind(file)
        except UserError as error:
            unread[file] = Unread(file.name, str(error))
    pictures = [file for file in files if kinds.get(file) == IMAGE]
    if pictures:
        upload = _pictures(pictures, limits, guard, call)
    else:
        if not any(kind in VOLUMES for kind in kinds.values()):
            raise _nothing_read(tuple(unread.values()))
        kind, chosen = one_volume({file: kinds[file] for file in files if file in kinds})
        head = call(read_head, kind, chosen, limits, heights, report, seconds=limits.head_seconds)
        upload = Upload(head.slices, head.names, True, fit=head.fit)
    if pictures:
        unread |= {file: Unread(file.name, f"{file.name}: {_ALONE}.") for file in kinds if kinds[file] != IMAGE}
    every = (*unread.values(), *upload.unread)
    if not len(upload.slices):
        raise _nothing_read(every)
    return replace(upload, unread=every)


def read_picture(file: Path, limits: Limits, guard: Guard | None) -> NDArray[np.uint8]:
    """Read one slice, uint8 (208, 176); see `decode_picture` for what is raised."""
    with told_as_damage(file.name):
        data = read_bytes(file)
    return decode_picture(data, file.name, limits, guard)


def decode_picture(data: bytes, name: str, limits: Limits, guard: Guard | None) -> NDArray[np.uint8]:
    """Decode one slice, uint8 (208, 176).

    Args:
        data: content of a picture file.
        name: how to call it in messages.
        limits: on pixels.
        guard: see `read_uploads`.

    Raises:
        NotASlice: a picture of another size or mode that the guard takes for something else.
        UserError: any other picture of another size or mode, or not to be read.
    """
    with told_as_damage(name):
        pixels, problem = fit_slice(data, name, limits.pixels)
    if problem is None:
        refuse_text(pixels, name)
        return pixels
    raise NotASlice(name, unlikeness_of_misfit(guard, pixels, problem), cure_for(way_of_landscape(pixels)))


def discard(paths: Sequence[str | Path]) -> None:
    """Delete uploaded files once they have been answered, and the folders made for them."""
    for path in map(Path, paths):
        path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # not empty: never one that a question has to itself
            path.parent.rmdir()


def _kind(file: Path) -> str:
    kind = kind_of(file.name, lambda _, length: read_start(str(file), length))
    if kind != IMAGE and kind not in VOLUMES:
        raise UserError(f"{file.name}: not a kind of file that is read here; upload {WANTED}.")
    return kind


def _pictures(files: Sequence[Path], limits: Limits, guard: Guard | None, call: Call) -> Upload:
    if len(files) > limits.pictures:
        raise UserError(
            f"{len(files)} slices at once are too many, {limits.pictures} at most; upload fewer, or a volume."
        )
    slices, names, unread = [], [], []
    end = time.monotonic() + limits.all_seconds
    for file in files:
        try:
            if file is not files[0] and time.monotonic() > end:
                raise UserError(f"{file.name}: the files before it took too long to read; upload it by itself.")
            slices.append(call(read_picture, file, limits, guard))
            names.append(file.name)
        except NotASlice as refusal:
            unread.append(Unread(file.name, str(refusal), refusal.unlikeness, refusal.cure))
        except UserError as error:
            unread.append(Unread(file.name, str(error)))
    stacked = np.stack(slices) if slices else np.empty((0, HEIGHT, WIDTH), np.uint8)
    return Upload(stacked, tuple(names), False, tuple(unread))


def _nothing_read(unread: Sequence[Unread]) -> UserError:
    """The error for files of which none could be read: the first one's problem."""
    first = unread[0]
    if len(unread) == 1:
        if first.unlikeness is None:
            return UserError(first.problem)
        return NotASlice(first.name, first.unlikeness, first.cure)
    return UserError(f"None of {len(unread)} files could be read. {first.problem}")
