"""`alzedge validate`."""

from pathlib import Path

import click

from alzedge.commands.data_sets import check_data
from alzedge.commands.options import check_model, people_option

# People named in one line, of an anomaly that many have.
_NAMED = 5


@click.command("validate")
@click.argument("data", metavar="DATA...", nargs=-1, required=True)
@click.option("--schema", "path", type=click.Path(path_type=Path), required=True, help="Made by `alzedge schema`.")
@people_option
@click.option(
    "--model", type=click.Path(path_type=Path), help="Model whose guard measures unlikeness. Default: the bundled one."
)
def validate_command(data: tuple[str, ...], path: Path, model: Path | None) -> int:
    """Check a data set against a schema.

    DATA is a data set as `alzedge train` takes it; several are joined. Names what is not as the schema says: slices that are
    bright, dark, blurred, noisy, cropped, off centre, upside-down, of the wrong contrast or unlike the model's; a class
    that is missing or new; and, without any schema, one person under two names. The exit code is 0 where there is
    nothing to name, and else 2.

    \b
    alzedge validate archive.zip --schema schema.pbtxt
    """
    from alzedge.errors import UserError
    from alzedge.utils.extras import require

    check_data(data)
    check_model(model)
    if not path.is_file():
        raise UserError(f"{path}: no such file; make it with `alzedge schema STATS --out {path.name}`.")
    require("mlops")

    from alzedge.commands.data_sets import join_parts, load_parts
    from alzedge.commands.progress_bars import show_items
    from alzedge.inference.classifier import Classifier
    from alzedge.monitoring.measure import measure
    from alzedge.monitoring.schema import read_schema
    from alzedge.monitoring.validate import validate
    from alzedge.utils.parsing import printable

    schema = read_schema(path)
    classifier = Classifier.load(model) if "unlikeness" in schema.numbers else None
    dataset = join_parts(load_parts(data, every_stage=False))
    measured = measure(dataset, classifier, lambda items: show_items(items, "measuring"))
    anomalies = validate(dataset, measured, schema, lambda items: show_items(items, "looking which way is up"))
    for anomaly in anomalies:
        click.echo(printable(f"{anomaly.name}: {anomaly.sentence}{_who(anomaly.people)}"))
    name = f"{dataset.name}: {len(dataset)} slices"
    click.echo(f"{name}, {len(anomalies)} anomalies" if anomalies else f"{name} as {schema.name} says")
    return 2 if anomalies else 0


def _who(people: tuple[str, ...]) -> str:
    if not people:
        return ""
    more = f" and {len(people) - _NAMED} more" if len(people) > _NAMED else ""
    return f"; most slices of {', '.join(people[:_NAMED])}{more}"
