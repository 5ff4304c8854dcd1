"""Files that hold a scan or a data set in a form that is not read here: their kind, and how to convert them."""

from alzedge.utils.files import LFS_POINTER

_CONVERT = "convert it to .nii.gz, for example with `mri_convert`"
_BY_ENDING = {
    (".mgz", ".mgh"): f"a FreeSurfer volume; {_CONVERT}",
    (".mnc",): "a MINC volume; convert it to .nii.gz, for example with `mnc2nii`",
    (".nrrd", ".nhdr", ".mha", ".mhd"): f"a volume of ITK or Slicer; {_CONVERT}",
    (".par", ".rec"): "a volume of Philips (.PAR and .REC); convert it to .nii.gz, for example with `dcm2niix`",
    (".bz2",): "compressed with bzip2; unpack it with `bunzip2`, then name what comes out",
    (".xz", ".lzma"): "compressed with xz; unpack it with `unxz`, then name what comes out",
    (".zst",): "compressed with zstd; unpack it with `unzstd`, then name what comes out",
    (".7z", ".rar", ".tar", ".tgz", ".tar.gz"): "an archive of another kind; unpack it and name the folder",
    (".parquet",): "a Parquet table; unpack its images into class folders, for example with the Python package "
    "`datasets`: load_dataset('parquet', data_files=...), then image.save(...) for each row",
}
_BY_START = {
    LFS_POINTER: "a pointer of Git LFS, not the file itself; run `git lfs pull`",
    b"PAR1": _BY_ENDING[(".parquet",)],
    b"BZh": _BY_ENDING[(".bz2",)],
    b"\xfd7zXZ": _BY_ENDING[(".xz", ".lzma")],
    b"7z\xbc\xaf": _BY_ENDING[(".7z", ".rar", ".tar", ".tgz", ".tar.gz")],
    b"Rar!": _BY_ENDING[(".7z", ".rar", ".tar", ".tgz", ".tar.gz")],
}


def foreign_by_name(name: str) -> str | None:
    """Kind and cure of a file that is not read here, by the ending of its name; None where it says nothing."""
    lower = name.lower()
    return next((kind for endings, kind in _BY_ENDING.items() if lower.endswith(endings)), None)


def foreign_by_start(start: bytes) -> str | None:
    """Kind and cure of a file that is not read here, by its first bytes; None where they say nothing."""
    return next((kind for magic, kind in _BY_START.items() if start.startswith(magic)), None)
