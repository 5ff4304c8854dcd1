"""Images encoded as files, and files that are not what they promise."""

import io
import struct
import zlib
from pathlib import Path

from PIL import Image

from alzedge.data.dataset import DataSet
from alzedge.stages import STAGES


def encoded(image: Image.Image, fmt: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, fmt, **options)
    return buffer.getvalue()


def bomb(side: int) -> bytes:
    """A PNG file that promises side x side pixels."""
    return png_of(struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0), zlib.compress(bytes(100)))


def png_of(header: bytes, pixels: bytes) -> bytes:
    """A PNG file of these two chunks."""
    data = b"\x89PNG\r\n\x1a\n"
    for chunk in (b"IHDR" + header, b"IDAT" + pixels, b"IEND"):
        data += struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return data


def write_cohort(folder: Path, dataset: DataSet, suffix: str = ".png") -> Path:
    """Slices as a clinic keeps them: in one folder, beside a table of people and labels."""
    folder.mkdir(exist_ok=True)
    rows = ["path,subject,label"]
    for number, (image, who, label) in enumerate(zip(dataset.images, dataset.subject, dataset.labels, strict=True)):
        Image.fromarray(image).convert("RGB").save(folder / f"{number}{suffix}")
        rows.append(f"{number}{suffix},{who},{STAGES[label]}")
    (folder / "subjects.csv").write_text("\n".join(rows))
    return folder
