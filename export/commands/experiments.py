"""`alzedge experiments`."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from alzedge.export.experiments.results import StudyResults

_OUT = "runs/DATA-experiments"


@click.command("experiments", epilog=DATA_HELP)
@data_argument
@click.option("--table", type=click.Path(path_type=Path), help="TOML file of experiments. Default: those of the study.")
@click.option("--group", "groups", multiple=True, help="Only this group of the table; may be repeated.")
@click.option("--only", "names", multiple=True, help="Train only the experiment of this name; may be repeated.")
@click.option(
    "--split", "splits", multiple=True, type=click.Choice(SPLITS), help="May be repeated. Default: those of the group."
)
@click.option("--list", "only_list", is_flag=True, help="Only list what would be run.")
@click.option("--no-training", is_flag=True, help="Only make tables and plots of what is finished in OUT.")
@click.option("--stop-after", type=click.FloatRange(0), help="Seconds after which no other training is begun.")
@click.option("--wandb", is_flag=True, help="Keep loss curves for Weights & Biases too, offline.")
@out_option(_OUT)
@seed_option
def experiments_command(
    data: tuple[str, ...],
    table: Path | None,
    groups: tuple[str, ...],
    names: tuple[str, ...],
    splits: tuple[str, ...],
    only_list: bool,
    no_training: bool,
    stop_after: float | None,
    wandb: bool,
    out: Path | None,
    seed: int | None,
) -> None:
    """Compare recipes: networks, optimizers, preprocessing, distillation, pre-training.

    Without --table, the studies that stand behind this project, in the groups networks, study, preprocessing,
    optimizers, distillation and pre-training; a night on two cores, so name a --group. Writes OUT/experiments.json,
    experiments.md and a plot of each group; with --only, what else is finished in OUT stays in them. What is done
    already in OUT is not done again, and the same command may run several times at once: each takes the next training
    that nobody works on. One that diverges or does not fit in memory is told in the table, and the rest goes on. OUT is
    of one data set. Groups that learn brain volume want --people.

    \b
    alzedge experiments archive.zip --people oasis_cross-sectional.csv --group preprocessing
    """
    from alzedge.utils.archives import check_source
    from alzedge.utils.extras import require

    for extra in ("train", "audit") if os.environ.get("KERAS_BACKEND") == "jax" else ("export",):
        require(extra)
    if wandb:
        require("wandb")
    folder = output_folder(out, _OUT, data)
    check_data(data)
    if table is not None:
        check_source(table)

    import numpy as np

    from alzedge.commands.progress_bars import show_lines, show_steps
    from alzedge.errors import UserError
    from alzedge.export.experiments.table import cells_of, load_experiments, possible_splits
    from alzedge.stages import DISCLAIMER

    of_groups = load_experiments(table, seed, groups)
    known = list(dict.fromkeys(one.name for one in of_groups))
    if unknown := [name for name in names if name not in known]:
        raise UserError(f"--only {unknown[0]}: no experiment has that name; name one of: {'; '.join(known)}.")
    experiments = [one for one in of_groups if not names or one.name in names]
    if only_list:
        click.echo("\n".join(f"{experiment.group}: {experiment.name}" for experiment in experiments))
        return
    dataset = load_source(data, None, seed).dataset

    from alzedge.export.experiments.stored import check_splits, check_stored, finished, with_finished

    check_splits(dataset, splits)
    possible = possible_splits(dataset.subjects_known, bool(np.all(dataset.split != "")))
    if not dataset.subjects_known:
        click.echo("people unknown: no column for unseen people")
    cells, of_all = cells_of(experiments, possible, splits), cells_of(of_groups, possible, splits)
    check_stored(folder, of_all, dataset)
    if no_training and not any(finished(folder, cell, dataset) for cell in of_all):
        raise UserError(
            f"{folder} holds no result of these experiments; leave out --no-training, or name another --out."
        )

    from alzedge.export.experiments.summarise import summarise
    from alzedge.export.experiments.work import work
    from alzedge.teacher.phases import Resources

    if not no_training:
        work(folder, cells, dataset, Resources(wandb=wandb), show_lines, _tell, stop_after)
    with show_steps("figures") as on_step:
        results = summarise(folder, with_finished(folder, of_all, cells, dataset), dataset, on_step)
    written = _write(folder, results)
    click.echo(f"\nwrote {folder}: {', '.join(written)}")
    click.echo(DISCLAIMER)


def _tell(cell: object, result: object) -> None:
    from alzedge.export.experiments.stored import DONE, CellResult
    from alzedge.export.experiments.table import Cell

    if isinstance(cell, Cell) and isinstance(result, CellResult) and result.status != DONE:
        click.echo(f"{cell.title}: {result.status}. {result.message}", err=True)


def _write(folder: Path, results: "StudyResults") -> list[str]:
    from alzedge.export.experiments.comparison import markdown_comparison, text_comparison
    from alzedge.export.experiments.plots import draw_study
    from alzedge.export.experiments.table import slug
    from alzedge.export.report.plots import save_figure
    from alzedge.utils.files import write_json, write_text

    write_json(folder / "experiments.json", results.to_json())
    write_text(folder / "experiments.md", markdown_comparison(results))
    pictures = []
    for group in results.groups:
        pictures.append(f"experiments-{slug(group)}.png")
        save_figure(draw_study(results, group), folder / pictures[-1])
    click.echo(f"\n{text_comparison(results)}")
    return ["experiments.json", "experiments.md", *pictures]
