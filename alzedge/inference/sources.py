"""Slices out of whatever a classifier is asked about: paths, folders, pictures, bytes, arrays, and lists of these."""

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from alzedge.errors import UserError
from alzedge.imaging.file_types import IMAGE, open_file
from alzedge.imaging.slices import HEIGHT, WIDTH, fit_slice, read_bytes
from alzedge.inference.inputs import PROBLEM, Item, find_items, sentence
from alzedge.utils.archives import MAX_BYTES, FileTree, open_tree

if TYPE_CHECKING:  # slices need none of it
    from alzedge.preparation.prepare import Prepared
    from alzedge.preparation.quality import Quality

# An entry of an archive is unpacked in memory: one volume at most, 512 voxels a side of two bytes.
_LARGEST_ENTRY = 2**28

Source = str | Path | bytes | Image.Image | NDArray[np.uint8] | Sequence[Any]


@dataclass(frozen=True)
class LeftOut:
    """A file of a series that is not part of the volume: why, and whether it is damaged or merely of another kind."""

    sentence: str
    damaged: bool


@dataclass(frozen=True, eq=False)
class Slices:
    """Pixels of one picture, or of one volume.

    Attributes:
        pixels: uint8 (N, 208, 176).
        problem: the sentence why a picture is no proper slice; its pixels are then for the guard's eyes only.
        positions: of a volume, the height of each slice in mm: in the frame, unless it was cut as it lies.
        heights: of the slices, z in mm in the frame, of a volume and of a picture that `alzedge prepare` wrote; nothing
            where unknown.
        left_out: files of a series that are not in the volume.
        notes: what is doubtful or was chosen on the way, sentences without a full stop.
        quality: figures on a volume's registration; None where there was none.
        prepared: the registered head, likewise.
    """

    pixels: NDArray[np.uint8]
    problem: str | None = None
    positions: tuple[float, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()
    quality: "Quality | None" = None
    prepared: "Prepared | None" = None
    heights: tuple[float, ...] = ()


class ItemReader:
    """Reads items of folders, archives and files; the last archive stays open, its table of contents may be long.

    Args:
        heights: z in mm in the frame at which volumes are cut, after they were brought there; None cuts them as they lie.
        progress: called with the share of the work on a volume that is done.
    """

    def __init__(self, heights: Sequence[float] | None, progress: Callable[[float], None] = lambda share: None) -> None:
        self._archive: FileTree | None = None
        self._heights = heights
        self._progress = progress

    def read(self, item: Item) -> Slices:
        """Pixels of a slice or volume.

        Raises:
            UserError: it cannot be read.
        """
        if item.kind == PROBLEM:
            raise UserError(item.problem or item.name)
        if item.kind != IMAGE:
            return self._volume(item)
        (file,) = item.files
        data = self._entry(item, file, MAX_BYTES) if item.archive else read_bytes(Path(file))
        pixels, problem = fit_slice(data, item.name)
        heights = () if item.archive else _height_of(Path(file))
        return Slices(pixels[np.newaxis], problem, heights=heights)

    def _volume(self, item: Item) -> Slices:
        from alzedge.imaging.volumes import volume_of
        from alzedge.preparation.heads import open_head
        from alzedge.preparation.scans import scan_of

        files = [(self._called(item, file), self._opener(item, file)) for file in item.files]
        left_out: list[LeftOut] = []

        def leave_out(told: str, damaged: bool) -> None:
            left_out.append(LeftOut(told, damaged))

        try:
            if self._heights is None:
                volume = volume_of(item.kind, files, item.name, on_left_out=leave_out)
                return Slices(volume.slices, None, tuple(volume.positions.tolist()), tuple(left_out))
            grid = scan_of(item.kind, files, item.name, item.notes, on_left_out=leave_out)
            head = open_head(grid, self._heights, self._progress)
        except MemoryError as error:
            raise UserError(f"{item.name}: not enough memory for it; resample it to 1 mm.") from error
        notes, heights = head.notes, head.heights
        return Slices(head.slices, None, heights, tuple(left_out), notes, head.quality, head.prepared, heights)

    def _called(self, item: Item, file: str) -> str:
        return f"{item.archive}/{file}" if item.archive else file

    def _opener(self, item: Item, file: str) -> Callable[[], BinaryIO]:
        if item.archive is None:
            return partial(open_file, file)
        return lambda: io.BytesIO(self._entry(item, file, _LARGEST_ENTRY))

    def _entry(self, item: Item, file: str, limit: int) -> bytes:
        source = Path(item.archive or "")
        if self._archive is None or self._archive.source != source:
            self._archive = open_tree(source)
        return self._archive.read(file, limit)


def _height_of(file: Path) -> tuple[float, ...]:
    """Height of a slice that `alzedge prepare` wrote; nothing of any other picture."""
    if not file.name.startswith("level_"):  # spares all others the imports
        return ()
    from alzedge.preparation.scans import prepared_height

    height = prepared_height(file)
    return () if height is None else (height,)


def read_source(source: Source, heights: Sequence[float] | None) -> Iterator[Slices]:
    """Read everything that a source holds, in order.

    Args:
        source: path of a slice, volume, archive or folder; content of a picture file; a Pillow image; uint8 pixels
            (208, 176) or (N, 208, 176); or a list of these.
        heights: see `ItemReader`.

    Raises:
        UserError: something in it cannot be read, or it is none of these.
    """
    if isinstance(source, str | Path):
        yield from _read_items(find_items([Path(source)]), ItemReader(heights))
    elif isinstance(source, bytes | bytearray | memoryview):
        pixels, problem = fit_slice(bytes(source), "the picture")
        yield Slices(pixels[np.newaxis], problem)
    elif isinstance(source, Image.Image):
        pixels, problem = fit_slice(_png(source), "the picture")
        yield Slices(pixels[np.newaxis], problem)
    elif isinstance(source, np.ndarray):
        yield Slices(_checked(source))
    elif isinstance(source, list | tuple):
        for one in source:
            yield from read_source(one, heights)
    else:
        raise UserError(
            f"A {type(source).__name__} cannot be asked about; give a path, the bytes of a picture file, a Pillow "
            "image, uint8 pixels, or a list of these."
        )


def _read_items(items: Iterable[Item], reader: ItemReader) -> Iterator[Slices]:
    for item in items:
        try:
            yield reader.read(item)
        except OSError as error:
            raise UserError(sentence(error, item.name)) from error


def _checked(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    if pixels.dtype != np.uint8 or pixels.shape[-2:] != (HEIGHT, WIDTH) or pixels.ndim not in (2, 3):
        raise UserError(
            f"Expected uint8 slices of shape ({HEIGHT}, {WIDTH}) or (N, {HEIGHT}, {WIDTH}), got {pixels.dtype} "
            f"{pixels.shape}."
        )
    return pixels.reshape(-1, HEIGHT, WIDTH)


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    try:
        image.save(buffer, "PNG")
    except (OSError, ValueError) as error:
        raise UserError(
            f"A Pillow image of mode {image.mode} cannot be read; convert it with `.convert('L')`."
        ) from error
    return buffer.getvalue()
