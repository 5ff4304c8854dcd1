"""`alzedge explain`."""

from pathlib import Path

import click

from alzedge.commands.options import check_model, sex_option
from alzedge.inference.measures.person import check_person
from alzedge.stages import DISCLAIMER, STAGES, TITLES


@click.command("explain")
@click.argument("image", type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The picture to write, a .png file."
)
@click.option(
    "--model",
    type=click.Path(path_type=Path),
    help="A file made by `alzedge export --heat-map`. Default: the bundled student.",
)
@click.option("--stage", type=click.Choice(STAGES), help="Evidence for and against this stage. Default: any dementia.")
@click.option("--age", type=float, help="The person's age in years, for a model that is told ages.")
@sex_option("The person's sex, likewise.")
@click.option("--no-guard", is_flag=True, help="Answer also for what is not an axial brain slice, such as phantoms.")
def explain_command(
    image: Path, out: Path, model: Path | None, stage: str | None, age: float | None, sex: str | None, no_guard: bool
) -> None:
    """Draw where on a slice the evidence lies, without TensorFlow.

    Writes the slice and, beside it, the slice under a heat map: orange speaks for any dementia, or
    for the --stage named, blue against it. The map is the student's own arithmetic (class activation), not proof of disease.

    \b
    alzedge explain slice.jpg --out evidence.png
    """
    from alzedge.errors import UserError

    if out.suffix != ".png":
        raise click.BadParameter(f"{out}: the name must end in .png.")
    if not image.exists():
        raise UserError(f"{image}: no such file; check the path.")
    check_person(age, sex)
    check_model(model)
    _check_picture(image)

    from alzedge.imaging.overlay import explanation_picture
    from alzedge.imaging.slices import read_bytes, read_slice
    from alzedge.inference.classifier import Classifier
    from alzedge.model_file.bundled import bundled_heat_map_model
    from alzedge.preparation.upright import TURNED, turned_where

    classifier = Classifier.load(model or bundled_heat_map_model(), guarded=not no_guard)
    answer = classifier.answer_image(read_bytes(image), str(image), age, sex)
    if answer.probabilities is None:
        raise UserError(f"{image}: {answer.refused}; --no-guard answers all the same.")
    pixels = turned_where(read_slice(image)[None], [TURNED in answer.notes])[0]
    maps = classifier.heat_maps(pixels[None], age, sex)[0]  # (h, w, 4)
    if stage is None:
        chosen, share, heat = "any dementia", 1 - answer.probabilities[STAGES[0]], -maps[..., 0]
    else:
        chosen, share, heat = (
            TITLES[STAGES.index(stage)].lower(),
            answer.probabilities[stage],
            maps[..., STAGES.index(stage)],
        )

    from alzedge.utils.files import replacing

    with replacing(out) as temporary:
        explanation_picture(pixels, heat, f"{chosen}: {share:.0%}").save(temporary)
    from alzedge.inference.writers import beside_threshold
    from alzedge.metrics.caveats import cannot_sentence, operating_sentence
    from alzedge.utils.parsing import printable

    beside = "" if stage is None else f"; {stage} {share:.3f}"
    click.echo(f"{image}: {beside_threshold(answer.any_dementia)}{beside}")
    for note in answer.notes:
        click.echo(f"alzedge: {printable(str(image))}: {note}", err=True)
    click.echo(f"wrote {out}, where the evidence for {chosen} lies")
    notes = (operating_sentence(classifier.record), cannot_sentence(classifier.record), DISCLAIMER)
    click.echo("\n".join(notes), err=True)


def _check_picture(path: Path) -> None:
    """Refuse what holds more than one slice; whatever else is no picture is left to its reader."""
    from alzedge.errors import UserError
    from alzedge.imaging.file_types import ARCHIVE, VOLUMES, kind_of, read_start

    kind = kind_of(str(path), read_start) if path.is_file() else None
    held = "a folder" if path.is_dir() else "a zip archive" if kind == ARCHIVE else "a scan" if kind in VOLUMES else ""
    if held:
        raise UserError(
            f"{path}: {held}, but explain draws a single slice, a picture such as a PNG file; `alzedge report` takes scans, "
            "folders and archives and draws their slices with the evidence."
        )
