"""One head, stored in many ways: does `alzedge predict` answer alike?

    apt install mricron-data     # Colin27's head, raw (ch2.nii.gz) and stripped (ch2bet.nii.gz)
    python benchmarks/same_head.py /usr/share/mricron/templates/ch2.nii.gz

The scan is turned, shifted, resampled, stored with other orders of its axes and as a DICOM series, each into a file of its
own, and asked about. Printed are each answer and the widest range of them.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from alzedge.inference.classifier import Classifier

TURNS = ((20, 0, 0), (0, 20, 0), (0, 0, -20), (12, -12, 12))
SPACING = (0.8, 0.8, 1.2)
AXES = ("PIR", "ASR", "LIP", "SAL", "RPS")
MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"
UID = "1.2.826.0.1.3680043.2.1125"


def turned(scan: sitk.Image, degrees: tuple[int, int, int]) -> sitk.Image:
    """The scan turned about its middle and shifted by 5 mm."""
    transform = sitk.Euler3DTransform()
    transform.SetCenter(scan.TransformContinuousIndexToPhysicalPoint([(size - 1) / 2 for size in scan.GetSize()]))
    transform.SetRotation(*np.deg2rad(degrees))
    transform.SetTranslation((5, -5, 5))
    return sitk.Resample(scan, scan, transform, sitk.sitkLinear, 0.0)


def resampled(scan: sitk.Image, spacing: tuple[float, ...]) -> sitk.Image:
    """The scan with voxels of `spacing` in mm."""
    size = [round(n * old / new) for n, old, new in zip(scan.GetSize(), scan.GetSpacing(), spacing, strict=True)]
    return sitk.Resample(
        scan, size, sitk.Transform(), sitk.sitkLinear, scan.GetOrigin(), spacing, scan.GetDirection()
    )  # fmt: skip


def write_series(scan: sitk.Image, folder: Path) -> None:
    """Write a DICOM series, one file per slice."""
    folder.mkdir()
    writer = sitk.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    axes = np.array(scan.GetDirection()).reshape(3, 3)
    for index in range(scan.GetSize()[2]):
        place = scan.TransformIndexToPhysicalPoint((0, 0, index))
        told = {
            "0008|0016": MR_IMAGE,
            "0008|0018": f"{UID}.3.{index + 1}",
            "0008|0060": "MR",
            "0018|0050": str(scan.GetSpacing()[2]),
            "0020|000d": f"{UID}.1",
            "0020|000e": f"{UID}.2",
            "0020|0013": str(index + 1),
            "0020|0032": "\\".join(f"{value:.6f}" for value in place),
            "0020|0037": "\\".join(map(str, [*axes[:, 0], *axes[:, 1]])),
        }
        slice_ = scan[:, :, index]
        for tag, value in told.items():
            slice_.SetMetaData(tag, value)
        writer.SetFileName(str(folder / f"{index:03d}.dcm"))
        writer.Execute(slice_)


def variants(path: Path, folder: Path) -> Iterator[tuple[str, Path]]:
    """Name and path of the scan and of every file made of it, written into `folder`."""
    scan = sitk.Cast(sitk.ReadImage(str(path)), sitk.sitkInt16)
    yield "as it is", path
    made = {f"turned by {turn} degrees": turned(scan, turn) for turn in TURNS}
    made[f"voxels of {SPACING} mm"] = resampled(scan, SPACING)
    made |= {f"axes {axes}": sitk.DICOMOrient(scan, axes) for axes in AXES}
    for index, (name, image) in enumerate(made.items()):
        written = folder / f"{index}.nii.gz"
        sitk.WriteImage(image, str(written))
        yield name, written
    write_series(scan, folder / "dicom")
    yield "DICOM series", folder / "dicom"


def main() -> None:
    """Read the options, ask, print."""
    parser = argparse.ArgumentParser(description="Compare a model's answers for one head stored in many ways.")
    parser.add_argument("scan", type=Path, help="a NIfTI file of a head")
    parser.add_argument("--model", type=Path, help="a model file; by default the bundled one")
    options = parser.parse_args()
    classifier = Classifier.load(options.model)
    found = []
    print(f"{'':<34} {'score':>6} {'volume':>7} {'age':>5} {'accepted':>9} {'seconds':>8}")
    with tempfile.TemporaryDirectory() as folder:
        for name, path in variants(options.scan, Path(folder)):
            started = time.perf_counter()
            prediction = classifier.predict(path)
            seconds = time.perf_counter() - started
            person = prediction.person
            if person.any_dementia is None or person.brain_volume is None or person.apparent_age is None:
                raise SystemExit(f"{name}: {person.refused or 'the model measures neither brain volume nor age'}")
            values = (person.any_dementia.value, person.brain_volume.value, person.apparent_age.value)
            found.append(values)
            accepted = sum(answer.refused is None for answer in prediction.slices)
            print(
                f"{name:<34} {values[0]:>6.3f} {values[1]:>7.3f} {values[2]:>5.1f} "
                f"{f'{accepted}/{len(prediction.slices)}':>9} {seconds:>8.1f}",
                flush=True,
            )
    ranges = np.ptp(np.array(found), axis=0)
    print(f"{'range':<34} {ranges[0]:>6.3f} {ranges[1]:>7.3f} {ranges[2]:>5.1f}")


if __name__ == "__main__":
    main()
