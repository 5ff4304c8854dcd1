"""The gain of one model over another: paired, by source and group, and refused for answers to other questions."""

from pathlib import Path

import numpy as np
import pytest
from helpers.commands import assert_refused, call_cli
from helpers.two_sources import asked, two_sources

from alzedge.data.dataset import DataSet
from alzedge.data.folds import subject_folds
from alzedge.data.predictions import Predictions
from alzedge.inference.measures.readings import Readings
from alzedge.metrics.people.evidence import Asked
from alzedge.metrics.people.gain import gains


def with_help_of(data: DataSet, weight: float) -> Asked:
    """Answers that know the truth a little, and age besides: more of both with `weight`."""
    ill = (data.labels > 0) + np.random.default_rng(0).normal(0, 2 - weight, len(data))
    share = 1 / (1 + np.exp(-ill))
    return Asked(Readings(np.stack([1 - share, share / 2, share / 4, share / 4], axis=1), data.height))


def test_the_same_answers_gain_nothing_and_better_ones_do_for_certain() -> None:
    data = two_sources()
    rows = np.arange(len(data))
    same = gains((asked(data), asked(data)), data, rows, ("all", "60_up"), replicates=50)
    assert {one.source for one in same} == {"kaggle", "oasis1"} and {one.group for one in same} == {"all", "60_up"}
    assert all(one.difference is not None and one.difference.value == one.difference.high == 0 for one in same)
    better = gains((with_help_of(data, 0), with_help_of(data, 1.2)), data, rows, ("all",), replicates=200)
    (area,) = [one for one in better if (one.source, one.task, one.figure) == ("oasis1", "any_dementia", "roc_auc")]
    assert area.first is not None and area.second is not None and area.difference is not None
    assert area.difference.value == pytest.approx(area.second.value - area.first.value) and area.difference.low > 0
    # Ten of the sixty people were never examined.
    assert area.people == 50 and 5 < area.positive < 45
    # The interval of the difference is narrower than what two unpaired ones would give.
    apart = area.second.high - area.first.low - (area.second.low - area.first.high)
    assert area.difference.high - area.difference.low < apart


def test_the_command_compares_two_files_of_predictions(tmp_path: Path, phantoms: DataSet) -> None:
    fold = subject_folds(phantoms.subject, phantoms.labels)
    for name, seed in (("one", 1), ("other", 2)):
        share = np.random.default_rng(seed).dirichlet(np.ones(4), len(phantoms))
        of_fold = [
            Predictions.of(phantoms.take(rows), k, share[rows])
            for k in range(5)
            for rows in [np.flatnonzero(fold == k)]
        ]
        (tmp_path / name).mkdir()
        Predictions.pool(of_fold).save(tmp_path / name / "student_int8.csv")
    recipe = tmp_path / "r.toml"
    recipe.write_text("[phantoms]\nsubjects = 20\nslices = 5\n")
    done = call_cli(
        "gain", tmp_path / "one", tmp_path / "other" / "student_int8.csv", "phantoms", "--markdown", "--recipe", recipe
    )
    assert done.returncode == 0, done.stderr
    assert "AUC, similar age" in done.stdout and "| all | 15 of 20 |" in done.stdout
    some = Predictions.pool([Predictions.of(phantoms.take(np.arange(10)), 0, share[:10])])
    some.save(tmp_path / "some.csv")
    refused = call_cli("gain", tmp_path / "one", tmp_path / "some.csv", "phantoms", "--markdown", "--recipe", recipe)
    assert_refused(refused, "are of different slices")
