"""Answers of models kept as a file, so that figures can be made of them again without the models."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alzedge.data.dataset import UNKNOWN_STAGE
from alzedge.errors import UserError
from alzedge.stages import STAGES, label_of
from alzedge.utils.files import write_text
from alzedge.utils.parsing import reason_of

_COLUMNS = ("path", "subject", "label", "fold", *STAGES)
_SUM_TOLERANCE = 1e-2  # the four outputs of an int8 file are whole 256ths


@dataclass(frozen=True, eq=False)
class Predictions:
    """Pooled out-of-fold answers: each slice answered by a model that was trained without its fold.

    Attributes:
        paths: str (N,), where each image came from, relative to the data set; all different.
        subject: str (N,), who is on the slice; all empty when unknown.
        labels: int64 (N,), index into `STAGES`; `UNKNOWN_STAGE`, an empty cell, where nobody examined the person.
        fold: int64 (N,), the fold that the answering model held out, from 0 upwards.
        probabilities: float64 (N, 4), rows sum to 1.
    """

    paths: NDArray[np.str_]
    subject: NDArray[np.str_]
    labels: NDArray[np.int64]
    fold: NDArray[np.int64]
    probabilities: NDArray[np.float64]

    def __post_init__(self) -> None:
        for name in ("subject", "labels", "fold", "probabilities"):
            if len(getattr(self, name)) != len(self.paths):
                raise ValueError(f"{name}: expected {len(self.paths)} entries, got {len(getattr(self, name))}")
        if self.probabilities.shape != (len(self.paths), len(STAGES)):
            raise ValueError(f"probabilities: expected (N, {len(STAGES)}), got {self.probabilities.shape}")

    def __len__(self) -> int:
        return len(self.paths)

    def save(self, path: Path) -> None:
        """Write as CSV, probabilities to nine significant digits: a float32 comes back as it was."""
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for name, who, label, fold, row in zip(
            self.paths, self.subject, self.labels, self.fold, self.probabilities, strict=True
        ):
            writer.writerow(
                [name, who, "" if label == UNKNOWN_STAGE else STAGES[label], fold, *(f"{value:.9g}" for value in row)]
            )
        write_text(path, buffer.getvalue())

    @staticmethod
    def load(path: Path) -> "Predictions":
        """Read what `save` wrote, or a table of the same columns from elsewhere.

        Raises:
            UserError: no such file, a column missing, a label that is not a stage, values that are not probabilities,
                one image twice, or one person with two labels or in two folds.
        """
        rows = _read_rows(path)
        try:
            predictions = Predictions(
                paths=np.array([row["path"] for row in rows], str),
                subject=np.array([row["subject"] for row in rows], str),
                labels=np.array(
                    [label_of(cell) if (cell := row["label"]) else UNKNOWN_STAGE for row in rows], np.int64
                ),
                fold=np.array([int(row["fold"]) for row in rows], np.int64),
                probabilities=np.array([[float(row[stage]) for stage in STAGES] for row in rows], np.float64),
            )
        except UserError as error:
            raise UserError(f"{path}: {error}") from error
        except Exception as error:  # no number, or one that no integer of 64 bits holds
            raise UserError(
                f"{path}: not a number in columns fold or probabilities ({reason_of(error)}); mend the row."
            ) from error
        _check(path, predictions)
        return predictions


def _read_rows(path: Path) -> list[dict[str, str]]:
    try:
        reader = csv.DictReader(io.StringIO(path.read_text("utf-8-sig")), restval="")
        missing = [name for name in _COLUMNS if name not in (reader.fieldnames or [])]
        if missing:
            raise UserError(f"{path}: no column {', '.join(missing)}; predictions have {','.join(_COLUMNS)}.")
        rows = list(reader)
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file; name predictions made by `alzedge crossval`.") from error
    except (UserError, OSError):
        raise
    except Exception as error:  # of csv and the decoder
        raise UserError(f"{path}: not a readable table ({reason_of(error)}); write it as UTF-8 CSV.") from error
    if not rows:
        raise UserError(f"{path} holds no predictions; name a file with at least one row.")
    return rows


def _check(path: Path, predictions: Predictions) -> None:
    if not np.isfinite(predictions.probabilities).all():
        raise UserError(f"{path} holds NaN among its probabilities, so no figure can be given; predict again.")
    wrong = (predictions.probabilities < 0).any(axis=1) | (
        abs(predictions.probabilities.sum(axis=1) - 1) > _SUM_TOLERANCE
    )
    if wrong.any():
        raise UserError(
            f"{path}: the probabilities of {predictions.paths[wrong][0]} do not add up to 1; predict again."
        )
    names, times = np.unique(predictions.paths, return_counts=True)
    if (times > 1).any():
        raise UserError(f"{path}: {names[times > 1][0]} has more than one row; keep one.")
    if (predictions.fold < 0).any():
        raise UserError(
            f"{path}: folds are counted from 0, and {predictions.fold.min()} is one of them; mend the column."
        )
    known = predictions.subject != ""
    if known.any() and not known.all():
        raise UserError(
            f"{path}: {predictions.paths[~known][0]} has no subject and others have; name all people or none."
        )
    for what, values in (("labels", predictions.labels), ("folds", predictions.fold)):
        _check_one_each(path, what, predictions.subject[known], values[known])


def _check_one_each(path: Path, what: str, subject: NDArray[np.str_], values: NDArray[np.int64]) -> None:
    _, first, person = np.unique(subject, return_index=True, return_inverse=True)
    other = values != values[first][person]
    if other.any():
        raise UserError(f"{path}: {subject[other][0]} has slices with different {what}; a person has one of each.")
