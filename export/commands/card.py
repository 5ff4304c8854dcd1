"""`alzedge card`."""

from pathlib import Path

import click


@click.command("card")
@click.argument("model", required=False, type=click.Path(path_type=Path))
@click.option(
    "--benchmark",
    type=click.Path(path_type=Path),
    help="What `alzedge run` or `alzedge benchmark` measured of it. Default: benchmark.json beside MODEL.",
)
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="File to write, as README.md. Default: print it."
)
def card_command(model: Path | None, benchmark: Path | None, out: Path | None) -> None:
    """Write the model card of a model file.

    MODEL is a file made by `alzedge run` or `alzedge export`; without it, the bundled student. The card is Markdown
    with the front matter that the Hugging Face Hub reads: use, data and its licence, leakage, figures with intervals,
    by task and by class, calibration, latency and size, limits, cost, how to load it, citation. Every figure comes
    from the file's record or from benchmark.json.

    \b
    alzedge card runs/archive/student_int8.tflite --out README.md
    """
    from alzedge.inference.classifier import find_model
    from alzedge.utils.extras import require

    require("hub")
    from alzedge.export.hub.card import PICTURES, find_benchmark, model_card, read_benchmark
    from alzedge.utils.files import write_text

    path = find_model(model)
    chosen = benchmark or find_benchmark(path)
    beside = out is not None and out.resolve().parent == path.resolve().parent
    pictures = [name for name in PICTURES if beside and (path.parent / name).is_file()]
    text = model_card(path, read_benchmark(chosen) if chosen else None, pictures)
    if out is None:
        click.echo(text, nl=False)
        return
    write_text(out, text)
    click.echo(
        f"wrote {out}" + ("" if chosen else ", without speed and figures by class: there is no --benchmark of it")
    )
