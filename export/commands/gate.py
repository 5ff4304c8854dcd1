"""`alzedge gate`."""

from pathlib import Path

import click

from alzedge.commands.data_sets import check_data, load_source, read_data
from alzedge.commands.options import DATA_HELP, data_argument, recipe_option, seed_option
from alzedge.export.evaluate.gate.settings import GateSettings

_SETTINGS = {
    "margin": "Loss of AUC of any dementia against the champion that nobody would mind.",
    "volume_margin": "Such a loss in the mean error of brain volume.",
    "age_margin": "Such a loss in the mean error of apparent age, in years.",
    "brier_margin": "Such a loss in the Brier score of any dementia.",
    "calibration_margin": "Such a loss in calibration error; it can refuse a model and need not be shown.",
    "group_margin": "Such a loss of AUC among women, men, and people of one age.",
    "floor": "AUC of any dementia that a model must be shown to reach, whatever the champion does.",
    "floor_margin": "Loss of AUC against counting dark pixels; 0 asks for a model shown to be better.",
    "size_ratio": "Largest size, as a multiple of the champion's.",
    "latency_ratio": "Largest time per slice, as a multiple of the champion's.",
    "calls": "Timed calls of each model; 0 leaves time alone.",
    "replicates": "Resamples of the bootstrap over people.",
}


def limit_options(command: click.Command) -> click.Command:
    """One option for each limit of `alzedge.export.evaluate.gate.settings.GateSettings`."""
    for name, text in reversed(_SETTINGS.items()):
        default = getattr(GateSettings(), name)
        whole = isinstance(default, int)
        kind = click.IntRange(min=0 if name == "calls" else 100) if whole else click.FloatRange(min=0)
        option = click.option(f"--{name.replace('_', '-')}", type=kind, default=default, show_default=True, help=text)
        command = option(command)
    return command


@click.command("gate", epilog=DATA_HELP)
@click.argument("new", type=click.Path(path_type=Path, dir_okay=False))
@data_argument
@click.option(
    "--against",
    metavar="CHAMPION",
    help="File to compare with, predictions, or models:/alzedge@champion of a registry. Without it floors alone decide.",
)
@click.option(
    "--trained-on",
    multiple=True,
    metavar="DATA",
    help="Data that a model of other data was trained on: people found there are left out; may be repeated.",
)
@click.option("--sign", "signed_by", default="", metavar="NAME", help="Who answers for the decision.")
@click.option(
    "--json", "output", type=click.Path(path_type=Path, dir_okay=False), help="Write the decision there as JSON, too."
)
@limit_options
@recipe_option
@seed_option
def gate_command(
    new: Path,
    data: tuple[str, ...],
    against: str | None,
    trained_on: tuple[str, ...],
    signed_by: str,
    output: Path | None,
    recipe_name: str | None,
    seed: int | None,
    **limits: float,
) -> int:
    """Decide whether the model NEW may take the place of the CHAMPION.

    Both answer for the same people of DATA, whom neither has seen. People are drawn with replacement, each with the answers
    of both models (paired bootstrap). NEW is blessed where every comparison shows it to be no worse by more than the
    margin, refused where one shows the opposite; else the data cannot tell, and the power says why. The decision is written
    into the record of NEW, where `alzedge registry promote` looks for it; .csv predictions stay as they are.

    Exit code 0: blessed. 3: refused. 4: cannot tell. 2: bad input.

    \b
    alzedge gate runs/new/student_int8.tflite archive.zip --against models:/alzedge@champion
    alzedge gate new-crossval/student_int8.csv archive.zip --against old-crossval/student_int8.csv --json decision.json
    alzedge gate runs/phantoms/student_int8.tflite phantoms
    """
    champion = _check(new, against, data, trained_on)

    from alzedge.export.evaluate.gate.gate import gate, sign
    from alzedge.export.evaluate.gate.text import decision_text
    from alzedge.model_file.decision import EXIT_CODES
    from alzedge.utils.files import write_json

    source = load_source(data, recipe_name, seed, every_stage=False)
    known = [read_data([one]) for one in trained_on]
    settings = GateSettings(**limits)  # type: ignore[arg-type]
    decision = gate(new, champion, source.dataset, source.recipe, settings, known, signed_by)
    click.echo(f"\n{decision_text(decision)}")
    if output is not None:
        write_json(output, decision.to_dict())
    if new.suffix.lower() in (".tflite", ".onnx"):
        click.echo(f"\nwrote the decision into {new}, now SHA-256 {sign(new, decision)}")
    return EXIT_CODES[decision.outcome]


def _check(new: Path, against: str | None, data: tuple[str, ...], trained_on: tuple[str, ...]) -> Path | None:
    """Refuse what is not there before any long work; returns the champion's file."""
    from alzedge.model_file.read_write import read_record
    from alzedge.model_file.registry.location import is_registered
    from alzedge.model_file.registry.versions import fetch_registered
    from alzedge.utils.archives import check_source
    from alzedge.utils.extras import require

    champion = None
    if against is not None:
        champion = fetch_registered(against) if is_registered(against) else Path(against)
    for path in [new, *([champion] if champion else [])]:
        if path.suffix.lower() == ".csv":
            check_source(path)
        else:
            read_record(path)
    require("export")
    check_data(data)
    for one in trained_on:
        check_source(Path(one))
    return champion
