"""Writing of the two files on people that this package brings along: `python -m alzedge.data.make_files ARCHIVE TABLE`."""

import io
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from alzedge.data.dataset import DataSet
from alzedge.data.folds import deal_people
from alzedge.data.loading import load_dataset
from alzedge.data.people.by_pixels.fingerprints import frequencies, make_fingerprints
from alzedge.data.people.table import read_people
from alzedge.stages import STAGES
from alzedge.utils.files import write_bytes, write_text


def fingerprint_file(dataset: DataSet) -> bytes:
    """`fingerprints.npz` of the archive: rows by class, person and slice, and the number of people per class."""
    order = np.lexsort((dataset.slice, dataset.subject, dataset.labels))
    values = np.stack([frequencies(Image.fromarray(dataset.images[i])) for i in order])
    made = make_fingerprints(values, dataset.subject[order], dataset.slice[order])
    counts = [len(np.unique(dataset.subject[dataset.labels == label])) for label in range(len(STAGES))]
    buffer = io.BytesIO()
    np.savez(buffer, bits=made.bits, medians=made.medians, people=np.array(counts, np.int64))
    return buffer.getvalue()


def fold_file(table: Path) -> str:
    """`oasis_folds.csv` of OASIS-1's table."""
    folds = deal_people(read_people(table))
    return "person,fold\n" + "".join(f"{person},{fold}\n" for person, fold in sorted(folds.items()))


def main(archive: Path, table: Path) -> None:
    """Write both files where the package keeps them."""
    here = Path(__file__).parent / "people"
    write_bytes(here / "by_pixels" / "fingerprints.npz", fingerprint_file(load_dataset(archive)))
    write_text(here / "oasis_folds.csv", fold_file(table))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
