"""Images in Parquet tables, as the Hugging Face Hub keeps data sets: without the names that say who is on them."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alzedge.errors import UserError
from alzedge.imaging.picture_files import SUFFIXES
from alzedge.imaging.slices import decode_grey
from alzedge.utils.parsing import parsing

_UNPACK = "unpack its images into class folders and name the folder"
_SIDES = ("train", "test")


@dataclass(frozen=True, eq=False)
class Pictures:
    """Images of Parquet tables, in their order.

    Attributes:
        pixels: uint8 (rows, columns) of each, of any size.
        paths: str (N,), file and row.
        split: str (N,), 'train' or 'test' where every file's name begins so, else ''.
        codes: int64 (N,), the column `label`; -1 where there is none.
    """

    pixels: tuple[NDArray[np.uint8], ...]
    paths: NDArray[np.str_]
    split: NDArray[np.str_]
    codes: NDArray[np.int64]


def find_tables(source: Path) -> list[Path]:
    """The Parquet tables that a path names: a file, or those of a folder or of its sub-folders, without images beside them."""
    if source.is_file():
        return [source] if source.suffix.lower() == ".parquet" else []
    files = [path for pattern in ("*", "*/*") for path in sorted(source.glob(pattern)) if path.is_file()]
    tables = [path for path in files if path.suffix.lower() == ".parquet"]
    return [] if any(path.name.lower().endswith(SUFFIXES) for path in files) else tables


def read_tables(tables: list[Path]) -> Pictures:
    """Read the images of Parquet tables.

    Raises:
        UserError: pyarrow is missing, a table is damaged or has no column of images, or an image is damaged.
    """
    if find_spec("pyarrow") is None:
        raise UserError(f"{tables[0]}: reading a Parquet table needs pyarrow; run `pip install pyarrow`, or {_UNPACK}.")
    sides = [next((side for side in _SIDES if table.name.lower().startswith(side)), "") for table in tables]
    pixels: list[NDArray[np.uint8]] = []
    paths: list[str] = []
    split: list[str] = []
    codes: list[int] = []
    for table, side in zip(tables, sides, strict=True):
        with parsing(f"{table}: not a readable Parquet table", "download it again."):
            images, labels = _columns(table)
        for row, (data, code) in enumerate(zip(images, labels, strict=True)):
            pixels.append(decode_grey(data, f"{table}: row {row}"))
            paths.append(f"{table.name}/{row}")
            split.append(side if all(sides) else "")
            codes.append(int(code))
    return Pictures(tuple(pixels), np.array(paths, str), np.array(split, str), np.array(codes, np.int64))


def _columns(table: Path) -> tuple[list[bytes], list[int]]:
    from pyarrow import parquet

    rows: list[dict[str, Any]] = parquet.read_table(table).to_pylist()
    cells = [row["image"]["bytes"] if isinstance(row.get("image"), dict) else row.get("image") for row in rows]
    images = [data for data in cells if isinstance(data, bytes)]
    if len(images) < len(rows) or not rows:
        raise UserError(f"{table}: this Parquet table has no column image with the bytes of images; {_UNPACK}.")
    labels = [row.get("label") for row in rows]
    return images, [label if isinstance(label, int) else -1 for label in labels]


def check_codes(source: Path, codes: NDArray[np.int64], stages: NDArray[np.int64]) -> None:
    """Refuse tables whose labels are no renaming of the stages (N,) of the people who were recognised.

    Raises:
        UserError: one label stands for two stages, or two labels for one.
    """
    pairs = {(int(code), int(stage)) for code, stage in zip(codes, stages, strict=True) if code >= 0}
    if len({code for code, _ in pairs}) < len(pairs) or len({stage for _, stage in pairs}) < len(pairs):
        raise UserError(
            f"{source}: the Parquet table's labels contradict the Kaggle set's classes of the same images; use the original "
            "archive.zip from Kaggle."
        )
