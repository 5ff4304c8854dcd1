"""Answers of models kept as a file, so that figures can be made of them again without the models."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alzedge.data.dataset import UNKNOWN_STAGE, DataSet
from alzedge.errors import UserError
from alzedge.stages import STAGES, label_of
from alzedge.utils.files import write_text
from alzedge.utils.parsing import reason_of

_COLUMNS = ("path", "subject", "label", "fold", *STAGES)
# Columns that are written where anything is known, and that files of version 0.1 lack.
_TEXTS, _NUMBERS = ("source", "scan"), ("height", "brain_volume", "age")
_MISSING: Any = None
_SUM_TOLERANCE = 1e-2  # the four outputs of an int8 file are whole 256ths


@dataclass(frozen=True, eq=False)
class Predictions:
    """Pooled out-of-fold answers: each slice answered by a model that was trained without its fold.

    Attributes:
        paths: str (N,), where each image came from, relative to the data set; all different.
        subject: str (N,), who is on the slice; all empty when unknown.
        labels: int64 (N,), index into `STAGES`; `UNKNOWN_STAGE` where nobody examined the person.
        fold: int64 (N,), the fold that the answering model held out, from 0 upwards.
        probabilities: float64 (N, 4), rows sum to 1.
        source, scan: str (N,), see `alzedge.data.dataset.DataSet`; '' when unknown.
        height: float64 (N,), mm in the frame; NaN when unknown.
        brain_volume: float64 (N,), answered, nWBV as a share; NaN where the model does not measure it.
        age: float64 (N,), answered, years; NaN likewise.
    """

    paths: NDArray[np.str_]
    subject: NDArray[np.str_]
    labels: NDArray[np.int64]
    fold: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    source: NDArray[np.str_] = _MISSING
    scan: NDArray[np.str_] = _MISSING
    height: NDArray[np.float64] = _MISSING
    brain_volume: NDArray[np.float64] = _MISSING
    age: NDArray[np.float64] = _MISSING

    def __post_init__(self) -> None:
        for names, empty in ((_TEXTS, ""), (_NUMBERS, np.nan)):
            for name in names:
                if getattr(self, name) is _MISSING:
                    object.__setattr__(self, name, np.full(len(self.paths), empty))
        for field in fields(self):
            if len(getattr(self, field.name)) != len(self.paths):
                raise ValueError(
                    f"{field.name}: expected {len(self.paths)} entries, got {len(getattr(self, field.name))}"
                )
        if self.probabilities.shape != (len(self.paths), len(STAGES)):
            raise ValueError(f"probabilities: expected (N, {len(STAGES)}), got {self.probabilities.shape}")

    def __len__(self) -> int:
        return len(self.paths)

    @staticmethod
    def of(
        dataset: DataSet,
        fold: int,
        probabilities: NDArray[np.floating[Any]],
        brain_volume: NDArray[np.floating[Any]] | None = None,
        age: NDArray[np.floating[Any]] | None = None,
    ) -> "Predictions":
        """Put a model's answers beside the slices they are for.

        Args:
            dataset: N slices.
            fold: that the model held out.
            probabilities: (N, 4).
            brain_volume, age: (N,) or (N, 1); None where the model does not measure them.
        """
        measured = [
            np.full(len(dataset), np.nan) if one is None else np.asarray(one, np.float64).reshape(-1)
            for one in (brain_volume, age)
        ]
        return Predictions(
            dataset.paths,
            dataset.subject,
            dataset.labels,
            np.full(len(dataset), fold),
            np.asarray(probabilities, np.float64),
            dataset.source,
            dataset.scan,
            dataset.height,
            *measured,
        )

    @staticmethod
    def pool(parts: Sequence["Predictions"]) -> "Predictions":
        """Join parts, in the order of paths."""
        order = np.argsort(np.concatenate([part.paths for part in parts]), kind="stable")
        names = [field.name for field in fields(Predictions)]
        return Predictions(**{name: np.concatenate([getattr(part, name) for part in parts])[order] for name in names})

    def save(self, path: Path) -> None:
        """Write as CSV, numbers to nine significant digits: a float32 comes back as it was."""
        texts = [name for name in _TEXTS if (getattr(self, name) != "").any()]
        numbers = [name for name in _NUMBERS if np.isfinite(getattr(self, name)).any()]
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow([*_COLUMNS, *texts, *numbers])
        labels = ["" if label == UNKNOWN_STAGE else STAGES[label] for label in self.labels]
        shares = (map(_digits, row) for row in self.probabilities.tolist())
        columns = [*(getattr(self, name) for name in texts), *(map(_digits, getattr(self, name)) for name in numbers)]
        further: Iterable[Any] = zip(*columns, strict=True) if columns else ((),) * len(self)
        for name, who, label, fold, row, rest in zip(
            self.paths, self.subject, labels, self.fold, shares, further, strict=True
        ):
            writer.writerow([name, who, label, fold, *row, *rest])
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
                labels=np.array([_label(row["label"]) for row in rows], np.int64),
                fold=np.array([int(row["fold"]) for row in rows], np.int64),
                probabilities=np.array([[float(row[stage]) for stage in STAGES] for row in rows], np.float64),
                source=np.array([row.get("source") or "" for row in rows], str),
                scan=np.array([row.get("scan") or "" for row in rows], str),
                height=_numbers(rows, "height"),
                brain_volume=_numbers(rows, "brain_volume"),
                age=_numbers(rows, "age"),
            )
        except UserError as error:
            raise UserError(f"{path}: {error}") from error
        except Exception as error:  # no number, or one that no integer of 64 bits holds
            raise UserError(
                f"{path}: not a number in columns fold, probabilities or {', '.join(_NUMBERS)} ({reason_of(error)}); "
                "mend the row."
            ) from error
        _check(path, predictions)
        return predictions


def _digits(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.9g}"


def _numbers(rows: list[dict[str, str]], name: str) -> NDArray[np.float64]:
    values = np.array([float(row.get(name) or "nan") for row in rows], np.float64)
    if np.isinf(values).any():
        raise ValueError("infinity")
    return values


def _label(text: str) -> int:
    return label_of(text) if text else UNKNOWN_STAGE


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
