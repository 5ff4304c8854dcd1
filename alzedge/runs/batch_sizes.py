"""Batch sizes that fit small data: a recipe made for thousands of slices also runs on a few dozen."""

import contextlib
from dataclasses import replace

from alzedge.data.dataset import DataSet, available_splits, split_dataset
from alzedge.data.folds import N_FOLDS
from alzedge.errors import UserError
from alzedge.runs.recipe import Recipe

_SECTIONS = ("pretrain", "finetune", "distill", "compress")
# Whole people are kept aside, so that what is left of the slices is known only roughly.
_MARGIN = 0.9
_KEPT_ASIDE = 1 / 5  # of the people, for early stopping


def fit_batch_sizes(recipe: Recipe, count: int) -> tuple[Recipe, str | None]:
    """Lower the batch sizes of phases that have fewer training slices than one batch holds.

    Args:
        recipe: as the user named it.
        count: training slices of the split with the fewest.

    Returns:
        The recipe, in which too large a batch size is the largest power of two that fits, at least 2; and one sentence on
        what was lowered, None where nothing was.
    """
    lowered: dict[str, tuple[int, int]] = {}
    for name in _SECTIONS:
        size = getattr(recipe, name).batch_size
        there = _slices(recipe, name, count)
        if size > there:
            lowered[name] = size, 2 ** max(1, there.bit_length() - 1)
    if not lowered:
        return recipe, None
    sections = {name: replace(getattr(recipe, name), batch_size=new) for name, (_, new) in lowered.items()}
    listed = ", ".join(f"{name}.batch_size {old} to {new}" for name, (old, new) in lowered.items())
    return replace(recipe, **sections), f"{count} training slices are few, so batches are smaller: {listed}"


def smallest_training_side(dataset: DataSet) -> int:
    """Count the training slices of the split or fold with the fewest, so that all commands find the same number."""
    counts = []
    for name in available_splits(dataset):
        for fold in range(1 if name == "official" else N_FOLDS):
            with contextlib.suppress(UserError):  # of a split without one side; whoever asks for it is told
                counts.append(len(split_dataset(dataset, name, fold).train))
    return min(counts, default=len(dataset))


def _slices(recipe: Recipe, section: str, count: int) -> int:
    """Slices that a phase surely trains on."""
    share = 1.0
    if section in ("pretrain", "finetune") and getattr(recipe, section).patience:
        share *= 1 - _KEPT_ASIDE
    if section == "finetune":
        share *= recipe.finetune.label_percent / 100
        share *= 1 - 1 / recipe.distill.cross_fit if recipe.distill.cross_fit else 1
    return int(count * (share if share == 1 else share * _MARGIN))
