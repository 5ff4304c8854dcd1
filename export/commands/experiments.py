"""`alzedge experiments`."""

from pathlib import Path

import click

from alzedge.commands.options import DATA_HELP, load_source, out_option, output_folder, seed_option
from alzedge.data.dataset import SPLITS

_OUT = "runs/DATA-experiments"


@click.command("experiments", epilog=DATA_HELP)
@click.argument("data", default="phantoms")
@click.option("--table", type=click.Path(path_type=Path), help="TOML file of experiments. Default: those of the study.")
@click.option("--group", "groups", multiple=True, help="Only this group of the table; may be repeated.")
@click.option(
    "--split", "splits", multiple=True, type=click.Choice(SPLITS), help="May be repeated. Default: all DATA allows."
)
@click.option("--list", "only_list", is_flag=True, help="Only say what would be run.")
@out_option(_OUT)
@seed_option
def experiments_command(
    data: str,
    table: Path | None,
    groups: tuple[str, ...],
    splits: tuple[str, ...],
    only_list: bool,
    out: Path | None,
    seed: int | None,
) -> None:
    """Compare recipes: networks, optimizers, preprocessing, pre-training.

    Without --table, what the original study compared, in the groups study, optimizers, preprocessing, networks
    and pre-training; hours on two cores, so name a --group. Writes OUT/experiments.json, experiments.md
    and experiments.png, and label_curve.png where teachers differ in the share of labels. What is done already in OUT is not done again.

    \b
    alzedge experiments archive.zip --group preprocessing --split subject
    """
    from alzedge.data.dataset import available_splits
    from alzedge.export.experiments.comparison import (
        draw_comparison,
        draw_label_curve,
        markdown_comparison,
        text_comparison,
    )
    from alzedge.export.experiments.experiments import load_experiments, run_experiments
    from alzedge.stages import DISCLAIMER
    from alzedge.utils.extras import require
    from alzedge.utils.files import write_text

    require("export")
    experiments = load_experiments(table, seed, groups)
    if only_list:
        click.echo("\n".join(f"{experiment.group}: {experiment.name}" for experiment in experiments))
        return
    folder = output_folder(out, _OUT, data)
    dataset = load_source(data, None, seed).dataset
    found = run_experiments(dataset, experiments, folder, splits or available_splits(dataset))
    write_text(folder / "experiments.md", markdown_comparison(found))
    draw_comparison(found, folder / "experiments.png")
    curve = ", label_curve.png" if draw_label_curve(found, folder / "label_curve.png") else ""
    click.echo(f"\n{text_comparison(found)}")
    click.echo(f"\nwrote {folder}: experiments.json, experiments.md, experiments.png{curve}")
    click.echo(DISCLAIMER)
