"""`alzedge experiments`."""

from pathlib import Path

import click

from alzedge.commands.data_sets import check_data, load_source
from alzedge.commands.options import (
    DATA_HELP,
    data_argument,
    out_option,
    output_folder,
    seed_option,
)
from alzedge.data.split_names import SPLITS

_OUT = "runs/DATA-experiments"


@click.command("experiments", epilog=DATA_HELP)
@data_argument
@click.option("--table", type=click.Path(path_type=Path), help="TOML file of experiments. Default: those of the study.")
@click.option("--group", "groups", multiple=True, help="Only this group of the table; may be repeated.")
@click.option(
    "--split", "splits", multiple=True, type=click.Choice(SPLITS), help="May be repeated. Default: all DATA allows."
)
@click.option("--list", "only_list", is_flag=True, help="Only list what would be run.")
@out_option(_OUT)
@seed_option
def experiments_command(
    data: tuple[str, ...],
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
    from alzedge.utils.archives import check_source
    from alzedge.utils.extras import require

    require("export")
    folder = output_folder(out, _OUT, data)
    check_data(data)
    if table is not None:
        check_source(table)

    from alzedge.commands.progress_bars import show_steps
    from alzedge.data.dataset import available_splits
    from alzedge.export.experiments.comparison import (
        draw_comparison,
        draw_label_curve,
        markdown_comparison,
        text_comparison,
    )
    from alzedge.export.experiments.experiments import load_experiments, run_experiments
    from alzedge.stages import DISCLAIMER
    from alzedge.utils.files import write_text

    experiments = load_experiments(table, seed, groups)
    if only_list:
        click.echo("\n".join(f"{experiment.group}: {experiment.name}" for experiment in experiments))
        return
    dataset = load_source(data, None, seed).dataset
    comparison = run_experiments(dataset, experiments, folder, splits or available_splits(dataset), show_steps)
    write_text(folder / "experiments.md", markdown_comparison(comparison))
    draw_comparison(comparison, folder / "experiments.png")
    curve = ", label_curve.png" if draw_label_curve(comparison, folder / "label_curve.png") else ""
    click.echo(f"\n{text_comparison(comparison)}")
    click.echo(f"\nwrote {folder}: experiments.json, experiments.md, experiments.png{curve}")
    click.echo(DISCLAIMER)
