"""`alzedge stats`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from alzedge.commands.data_sets import check_data
from alzedge.commands.options import check_model, out_option, output_folder, people_option

if TYPE_CHECKING:
    from alzedge.monitoring.measure import Measured

_OUT = "runs/stats-DATA"


@click.command("stats")
@click.argument("data", metavar="DATA...", nargs=-1, required=True)
@people_option
@click.option(
    "--model", type=click.Path(path_type=Path), help="A file made by `alzedge export`. Default: the bundled student."
)
@click.option("--no-model", is_flag=True, help="Measure pictures only, without a model's answers.")
@click.option("--no-guard", is_flag=True, help="Answer also for what is not an axial brain slice, such as phantoms.")
@out_option(_OUT)
def stats_command(data: tuple[str, ...], model: Path | None, no_model: bool, no_guard: bool, out: Path | None) -> None:
    """Describe a data set, or a log: pictures, answers and people.

    DATA is a data set as `alzedge train` takes it; several are joined. Or it is logs that `alzedge predict --log` or
    `alzedge demo --log` wrote: then these people are the reference for those who come later.

    Writes stats.pb, TFX's DatasetFeatureStatisticsList with a data set of slices and one of people, and stats.html, a
    page with plots. The first is what `alzedge schema` and `alzedge drift` read. It holds each feature's values of all
    people, sorted, so that no person can be put together from them; no name and no image.

    \b
    alzedge stats archive.zip --out stats
    alzedge stats archive.zip prepared --people oasis_cross-sectional.csv
    alzedge stats answers.jsonl answers.jsonl.1 --out stats-of-march
    """
    from alzedge.errors import UserError
    from alzedge.utils.extras import require

    check_data(data)
    check_model(model)
    if no_model and (model is not None or no_guard):
        raise click.UsageError("--no-model goes with neither --model nor --no-guard.")
    require("mlops")
    folder = output_folder(out, _OUT, data)

    from alzedge.monitoring.log import is_log, read_logs
    from alzedge.monitoring.pages.statistics_page import statistics_page
    from alzedge.monitoring.statistics import summarise, write_statistics
    from alzedge.utils.files import write_text

    logs = [is_log(Path(one)) for one in data]
    if any(logs) and not all(logs):
        raise UserError(f"{data[logs.index(False)]} is a data set and others are logs; describe them one by one.")
    measured = read_logs([Path(one) for one in data]) if any(logs) else _measure(data, model, no_model, no_guard)
    reference = summarise(measured)
    write_statistics(reference, folder / "stats.pb")
    write_text(folder / "stats.html", statistics_page(reference))
    people = "people unknown" if reference.people is None else f"{reference.people.count} people"
    slices = "" if reference.slices is None else f"{reference.slices.count} slices, "
    click.echo(f"{reference.name}: {slices}{people}")
    click.echo(f"wrote {folder / 'stats.pb'} and {folder / 'stats.html'}")


def _measure(data: tuple[str, ...], model: Path | None, no_model: bool, no_guard: bool) -> "Measured":
    from alzedge.commands.data_sets import join_parts, load_parts
    from alzedge.commands.progress_bars import show_items
    from alzedge.inference.classifier import Classifier
    from alzedge.monitoring.measure import measure

    classifier = None if no_model else Classifier.load(model, guarded=not no_guard)
    dataset = join_parts(load_parts(data, every_stage=False))
    return measure(dataset, classifier, lambda items: show_items(items, "measuring"))
