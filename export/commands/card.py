"""`alzedge card`."""

from pathlib import Path

import click

from alzedge.commands.options import check_model


@click.command("card")
@click.argument("model", required=False, type=click.Path(path_type=Path))
@click.option(
    "--benchmark",
    type=click.Path(path_type=Path),
    help="Written by `alzedge run` or `alzedge benchmark`. Default: benchmark.json beside MODEL.",
)
@click.option(
    "--evaluation",
    type=click.Path(path_type=Path),
    help="metrics.json of `alzedge evaluate`, `crossval` or `run`: adds who the people are, and figures by age and sex.",
)
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="File to write, as README.md. Default: print it."
)
def card_command(model: Path | None, benchmark: Path | None, evaluation: Path | None, out: Path | None) -> None:
    """Write the model card of a model file.

    MODEL is a file made by `alzedge run` or `alzedge export`; without it, the bundled student. The card is Markdown
    with the front matter that the Hugging Face Hub reads: use, data and its licence, people, reference standard, leakage,
    figures with intervals, by task, class, age and sex, calibration, latency and size, limits, reporting standards, cost,
    how to load it, citation. Every figure comes from the file's record, benchmark.json or metrics.json.

    \b
    alzedge card runs/archive/student_int8.tflite --out README.md
    """
    from alzedge.utils.extras import require

    require("hub")
    check_model(model)

    from alzedge.export.benchmark.results import read_benchmark
    from alzedge.export.hub.card import PICTURES, find_benchmark, model_card
    from alzedge.inference.classifier import find_model
    from alzedge.metrics.split_evaluation import read_metrics
    from alzedge.utils.files import write_text

    path = find_model(model)
    chosen = benchmark or find_benchmark(path)
    beside = out is not None and out.resolve().parent == path.resolve().parent
    pictures = [name for name in PICTURES if beside and (path.parent / name).is_file()]
    splits = read_metrics(evaluation) if evaluation else None
    text = model_card(path, read_benchmark(chosen) if chosen else None, pictures, splits)
    if out is None:
        click.echo(text, nl=False)
        return
    write_text(out, text)
    click.echo(
        f"wrote {out}" + ("" if chosen else ", without speed and figures by class: there is no --benchmark of it")
    )
