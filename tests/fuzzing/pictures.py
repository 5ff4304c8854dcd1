"""Parsers of images and of archives of images: the classifier answers what they give."""

import contextlib
import io
import random
import warnings
import zipfile
from functools import cache
from pathlib import Path

import numpy as np
from fuzzing.campaign import Parser
from fuzzing.mutators import Mutate, bytes_of, png_chunks
from helpers.asking import likely_slices
from helpers.images import encoded
from PIL import Image

from alzedge.imaging.slices import decode_slice
from alzedge.inference.answer import Answer
from alzedge.inference.answering import Workload, answerer
from alzedge.inference.classifier import Classifier
from alzedge.inference.inputs import find_items
from alzedge.inference.predict import answer_items
from alzedge.stages import STAGES

_EXIF = Image.Exif()
_EXIF[0x0112] = 1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
_NAMES = (
    "",
    "/",
    "a/",
    "../a.png",
    "/etc/a.png",
    "a\\b.png",
    "\x1b[2J.png",
    "é.png",
    "a.png\0.jpg",
    "a" * 60_000,
    ".png",
    "z.zip",
)


def parsers() -> dict[str, Parser]:
    """Parsers by name."""
    slices = [Image.fromarray(one) for one in likely_slices(_classifier(), 4)]
    grey, other, third, _ = slices
    png = tuple(encoded(one, "PNG") for one in (grey, grey.convert("RGB"), grey.convert("P"), grey.convert("LA")))
    jpeg = (
        encoded(grey, "JPEG", quality=90),
        encoded(other, "JPEG", progressive=True),
        encoded(third.convert("RGB"), "JPEG", exif=_EXIF),
    )
    tiff = tuple(
        encoded(grey, "TIFF", compression=name) for name in (None, "packbits", "tiff_lzw", "tiff_adobe_deflate")
    )
    webp = (encoded(grey, "WEBP", lossless=True), encoded(grey, "WEBP", quality=80))
    return {
        "png": _of_pictures(png, png_chunks),
        "jpeg": _of_pictures(jpeg),
        "tiff": _of_pictures(tiff),
        "bmp": _of_pictures((encoded(grey, "BMP"), encoded(grey.convert("RGB"), "BMP"))),
        "webp": _of_pictures(webp),
        "zip": Parser((_zipped(slices, 0), _zipped(slices, 8)), _rearranged, _read_zip, 0.3),
    }


@cache
def _classifier() -> Classifier:
    return Classifier.load()


def _of_pictures(starts: tuple[bytes, ...], mutate: Mutate = bytes_of) -> Parser:
    return Parser(starts, mutate, _read_picture)


def _read_picture(_: Path, data: bytes) -> None:
    check(_classifier().answer_image(data, "picture"))
    pixels = decode_slice(data, "picture")
    assert pixels.shape == (208, 176) and pixels.dtype == np.uint8


def check(answer: Answer) -> None:
    """An answer holds probabilities, or says why there are none."""
    if answer.probabilities is None:
        assert answer.refused and answer.unlikeness is not None and answer.unlikeness > 1
        return
    shares = list(answer.probabilities.values())
    assert list(answer.probabilities) == list(STAGES) and abs(sum(shares) - 1) < 1e-6 and min(shares) >= 0
    assert answer.brain_volume is None or 0 <= answer.brain_volume.low <= answer.brain_volume.high <= 1


def _zipped(slices: list[Image.Image], method: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for number, image in enumerate(slices):
            archive.writestr(f"{STAGES[number]}/{number}.png", encoded(image, "PNG"))
        archive.writestr("readme.txt", "not asked about")
    return buffer.getvalue()


def _rearranged(data: bytes, rng: random.Random) -> bytes:
    """An archive written anew with odd names, methods and entries twice, or its bytes changed."""
    if rng.random() < 0.6:
        return bytes_of(data, rng, len(data))
    buffer = io.BytesIO()
    with (
        warnings.catch_warnings(action="ignore"),  # on an entry twice
        zipfile.ZipFile(io.BytesIO(data)) as source,
        zipfile.ZipFile(buffer, "w") as archive,
    ):
        for name in source.namelist():
            content = source.read(name)
            content = bytes_of(content, rng) if rng.random() < 0.3 else content
            told = rng.choice(_NAMES) if rng.random() < 0.3 else name
            archive.writestr(zipfile.ZipInfo(told), content, rng.choice(_METHODS))
            if rng.random() < 0.1:
                archive.writestr(zipfile.ZipInfo(told), content)
    changed = buffer.getvalue()
    return bytes_of(changed, rng) if rng.random() < 0.3 else changed


def _read_zip(folder: Path, data: bytes) -> None:
    from alzedge.data.loading import load_dataset
    from alzedge.errors import UserError
    from alzedge.monitoring.audit.index import images_of, open_source

    path = folder / "archive.zip"
    path.write_bytes(data)
    answerer(Workload())._reader._archive = None  # it keeps the last archive open, and the path stays the same
    for result in answer_items(find_items([path]), Workload()):
        assert result.error or result.answers
        for answer in result.answers:
            check(answer)
    with contextlib.suppress(UserError):
        list(images_of(open_source(path)))
    assert len(load_dataset(path))
