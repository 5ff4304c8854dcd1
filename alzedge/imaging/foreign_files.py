"""Files that hold a scan or a data set in a form that is not read here: their kind, and how to convert them."""

from alzedge.errors import UserError
from alzedge.utils.files import GZIP_MAGIC, LFS_POINTER

_CONVERT = "convert it to .nii.gz, for example with `mri_convert`"
_PICTURE = "a picture of a kind that is not read; save it as PNG"
# Pictures that Pillow or a viewer may open, and that are not among `alzedge.imaging.picture_files.KINDS`.
PICTURES = (".gif", ".heic", ".heif", ".avif", ".jp2", ".j2k", ".jxl", ".pgm", ".ppm", ".pnm", ".tga")
_GZIP = "compressed with gzip; unpack it with `gunzip`, then name what comes out"
_BY_ENDING = {
    (".mgz", ".mgh"): f"a FreeSurfer volume; {_CONVERT}",
    (".mnc",): "a MINC volume; convert it to .nii.gz, for example with `mnc2nii`",
    (".nrrd", ".nhdr", ".mha", ".mhd"): f"a volume of ITK or Slicer; {_CONVERT}",
    (".brik", ".head", ".brik.gz"): "a volume of AFNI; convert it to .nii.gz, for example with `3dAFNItoNIFTI`",
    (".par", ".rec"): "a volume of Philips (.PAR and .REC); convert it to .nii.gz, for example with `dcm2niix`",
    (
        ".7z",
        ".rar",
        ".tar",
        ".tgz",
        ".tar.gz",
        ".tar.bz2",
        ".tar.xz",
        ".tar.zst",
    ): "an archive of another kind; unpack it and name the folder",
    (".bz2",): "compressed with bzip2; unpack it with `bunzip2`, then name what comes out",
    (".xz", ".lzma"): "compressed with xz; unpack it with `unxz`, then name what comes out",
    (".zst",): "compressed with zstd; unpack it with `unzstd`, then name what comes out",
    (".dcm.gz", ".ima.gz"): _GZIP,
    (".lz4",): "compressed with lz4; unpack it with `unlz4`, then name what comes out",
    PICTURES: _PICTURE,
    (".parquet",): "a Parquet table; unpack its images into class folders, for example with the Python package "
    "`datasets`: load_dataset('parquet', data_files=...), then image.save(...) for each row",
}
_ARCHIVE = next(kind for endings, kind in _BY_ENDING.items() if ".7z" in endings)
_ANNEX = "a pointer of git-annex, not the file itself; run `git annex get`"
_WEB_PAGE = "a web page, not the file itself; download it again, perhaps after signing in"
_BY_START = {
    LFS_POINTER: "a pointer of Git LFS, not the file itself; run `git lfs pull`",
    b"PAR1": _BY_ENDING[(".parquet",)],
    b"BZh": _BY_ENDING[(".bz2",)],
    b"\xfd7zXZ": _BY_ENDING[(".xz", ".lzma")],
    b"7z\xbc\xaf": _ARCHIVE,
    b"Rar!": _ARCHIVE,
    b"GIF8": "a GIF picture, a kind that is not read; save it as PNG",
    b"/annex/objects/": _ANNEX,
    b"../.git/annex/": _ANNEX,
    b".git/annex/": _ANNEX,
    b"<!DOCTYPE": _WEB_PAGE,
    b"<!doctype": _WEB_PAGE,
    b"<html": _WEB_PAGE,
}
# The longest mark is that of Git LFS.
START_BYTES = 32
# As far as the mark of DICOM.
OTHER_BYTES = 132


def foreign_by_name(name: str) -> str | None:
    """Kind and cure of a file that is not read here, by the ending of its name; None where it says nothing."""
    lower = name.lower()
    return next((kind for endings, kind in _BY_ENDING.items() if lower.endswith(endings)), None)


def foreign_by_start(start: bytes) -> str | None:
    """Kind and cure of a file that is not read here, by its first bytes; None where they say nothing."""
    return next((kind for magic, kind in _BY_START.items() if start.startswith(magic)), None)


def check_there(start: bytes, name: str) -> None:
    """Refuse a file that does not hold what its name says: an empty one, or a pointer or web page in its place.

    Args:
        start: its first bytes, `START_BYTES` where it has them.
        name: how to call it in messages.

    Raises:
        UserError: it is one of these.
    """
    if not start:
        raise UserError(f"{name} is empty; copy or export it again.")
    kind = foreign_by_start(start)
    if kind is not None:
        raise UserError(f"{name}: {kind}.")


def kind_of_other(start: bytes) -> str | None:
    """Kind and cure of a file that is no picture or scan as its name has it, by its first `OTHER_BYTES`; else None."""
    if start[128:132] == b"DICM":
        return "a DICOM file in spite of its name; let it end in .dcm"
    if start.startswith(GZIP_MAGIC):
        return _GZIP
    return foreign_by_start(start)
