"""`alzedge probe`."""

from dataclasses import asdict
from pathlib import Path

import click

from alzedge.commands.data_sets import load_source
from alzedge.commands.options import (
    DATA_HELP,
    data_argument,
    out_option,
    output_folder,
    recipe_option,
    seed_option,
)

_OUT = "runs/DATA-probe"


@click.command("probe", epilog=DATA_HELP)
@click.argument("teacher", type=click.Path(path_type=Path))
@data_argument
@out_option(_OUT)
@recipe_option
@seed_option
def probe_command(
    teacher: Path, data: tuple[str, ...], out: Path | None, recipe_name: str | None, seed: int | None
) -> None:
    """Evaluate a representation by a linear probe, nearest neighbours and a t-SNE picture.

    TEACHER is pretrained.keras or teacher.keras from `alzedge train`. Probe and neighbours learn from the
    features of the training slices of the split that it was made with, and answer for its test
    slices. Writes OUT/probe.json and OUT/tsne.png.

    \b
    alzedge probe runs/archive-teacher/pretrained.keras archive.zip
    """
    from alzedge.model_file.read_write import read_keras_record
    from alzedge.utils.extras import require

    require("train")
    require("export")  # matplotlib
    folder = output_folder(out, _OUT, data)
    record = read_keras_record(teacher)
    source = load_source(data, recipe_name, seed)

    from alzedge.commands.progress_bars import show_steps
    from alzedge.data.dataset import split_dataset
    from alzedge.runs.split_run import made_with
    from alzedge.teacher.keras_file import load_model
    from alzedge.teacher.probe import features_of, probe_scores, tsne_picture
    from alzedge.utils.files import write_json

    dataset = source.dataset
    recipe, name = made_with(record, dataset, source.recipe, teacher)
    split = split_dataset(dataset, name, recipe.fold)
    model, _ = load_model(teacher)
    both = []
    for side, index in (("training", split.train), ("test", split.test)):
        with show_steps(f"features of the {side} slices") as on_step:
            both.append(features_of(model, recipe.preprocessing(dataset.images[index]), on_step))
    features, test = both
    scores = probe_scores(features, dataset.labels[split.train], test, dataset.labels[split.test])
    for method, score in scores.items():
        click.echo(f"{method}: accuracy {score.accuracy:.3f}, balanced {score.balanced_accuracy:.3f}")
    by_method = {method: asdict(score) for method, score in scores.items()}
    write_json(folder / "probe.json", {"split": split.description, "per slice, four stages": by_method})
    tsne_picture(test, dataset.labels[split.test], folder / "tsne.png", recipe.seed)
    click.echo(f"wrote {folder / 'probe.json'} and {folder / 'tsne.png'}; {split.description}")
