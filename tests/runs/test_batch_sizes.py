"""Small data: batches are lowered to what there is, in a sentence, and nothing else is changed."""

from dataclasses import replace
from pathlib import Path

import pytest
from helpers.commands import TINY, call_cli

from alzedge.data.dataset import DataSet, split_dataset
from alzedge.runs.batch_sizes import fit_batch_sizes, smallest_training_side
from alzedge.runs.recipe_file import load_recipe


def test_enough_data_leave_a_recipe_as_it_is() -> None:
    recipe = load_recipe("cpu")
    assert fit_batch_sizes(recipe, 4096) == (recipe, None)


@pytest.mark.parametrize("count", [2, 20, 40, 63])
def test_batches_fit_the_slices_of_each_phase(count: int) -> None:
    recipe = load_recipe("cpu", settings=("distill.cross_fit=2", "pretrain.patience=3"))
    fitted, sentence = fit_batch_sizes(recipe, count)
    sizes = {name: getattr(fitted, name).batch_size for name in ("pretrain", "finetune", "distill", "compress")}
    assert (
        max(sizes.values()) <= count
        and sizes["finetune"] <= max(2, count / 2)
        and sizes["pretrain"] <= max(2, 0.8 * count)
    )
    assert sentence is not None and f"distill.batch_size 64 to {sizes['distill']}" in sentence
    for name in sizes:
        fitted = replace(fitted, **{name: replace(getattr(fitted, name), batch_size=64)})
    assert fitted == recipe


def test_the_smallest_of_all_folds_counts(phantoms: DataSet) -> None:
    folds = [len(split_dataset(phantoms, "subject", fold).train) for fold in range(5)]
    assert smallest_training_side(phantoms) == min(*folds, len(split_dataset(phantoms, "official").train))


@pytest.mark.slow
def test_a_recipe_for_thousands_trains_a_teacher_on_dozens(tmp_path: Path) -> None:
    (tmp_path / "few.toml").write_text(TINY.replace("batch_size = 32", "batch_size = 128"))
    settings = ("--set", "pretrain.epochs=1", "--set", "finetune.epochs=1")
    result = call_cli("train", "--recipe", tmp_path / "few.toml", "--out", tmp_path / "out", *settings)
    assert result.returncode == 0, result.stderr
    assert "training slices are few, so batches are smaller: pretrain.batch_size 128 to 64" in result.stdout
