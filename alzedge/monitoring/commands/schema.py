"""`alzedge schema`."""

from pathlib import Path

import click


@click.command("schema")
@click.argument("stats", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("schema.pbtxt"),
    show_default=True,
    help="File to write.",
)
def schema_command(stats: Path, out: Path) -> None:
    """Infer from statistics what slices may be like.

    STATS is a stats.pb that `alzedge stats` wrote of a data set. The schema is text, TFX's Schema message, made to be read and
    edited: a range for each number, the share of slices that must lie in it, the classes that must occur.

    \b
    alzedge schema stats/stats.pb --out schema.pbtxt
    """
    from alzedge.errors import UserError
    from alzedge.utils.extras import require

    if not stats.is_file():
        raise UserError(f"{stats}: no such file; make it with `alzedge stats DATA`.")
    require("mlops")

    from alzedge.monitoring.schema import infer_schema, read_schema
    from alzedge.monitoring.statistics import read_statistics

    infer_schema(read_statistics(stats), out)
    schema = read_schema(out)
    click.echo(f"wrote {out}: {len(schema.numbers)} numbers and {len(schema.texts)} texts; read and edit it")
