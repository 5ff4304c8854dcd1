"""From two model files, or two files of predictions, to the gate's decision."""

from collections.abc import Sequence
from pathlib import Path

from alzedge.data.dataset import DataSet
from alzedge.errors import UserError
from alzedge.export.evaluate.gate.compare import PeopleChecks, Power, check_people
from alzedge.export.evaluate.gate.files import check_files
from alzedge.export.evaluate.gate.held_out import choose_held_out
from alzedge.export.evaluate.gate.people import pair_people, people_in
from alzedge.export.evaluate.gate.settings import GateSettings
from alzedge.export.evaluate.sources import PREDICTIONS_SUFFIX, open_sources
from alzedge.model_file.decision import GATE_ENTRY, Decision
from alzedge.model_file.read_write import read_onnx, read_record, read_tflite, write_onnx, write_tflite
from alzedge.runs.recipe import Recipe

DEFAULTS = GateSettings()
_SIGNABLE = (".tflite", ".onnx")


def gate(
    new: Path,
    champion: Path | None,
    dataset: DataSet,
    recipe: Recipe,
    settings: GateSettings = DEFAULTS,
    trained_on: Sequence[DataSet] = (),
    signed_by: str = "",
) -> Decision:
    """Decide whether a new model may take the place of the champion.

    Both answer for the same people, whom neither has seen; people are drawn with replacement, each with the answers of both.
    A model is blessed when every comparison shows it to be no worse than the champion by more than the margin (each at a
    one-sided level of 5 %; all must pass, so that the level of the whole is no higher), refused when one shows the opposite.

    Args:
        new: `.tflite`, `.onnx` or `.keras` file, or predictions (`.csv`).
        champion: likewise; None where nothing serves yet, so that floors alone decide.
        dataset: with the held-out people; see `alzedge.export.evaluate.gate.held_out.choose_held_out`.
        recipe: its fold is that of unseen people where no model says which.
        settings: limits.
        trained_on: data that models of other data were trained on.
        signed_by: who answers for the decision.

    Raises:
        UserError: files that cannot be compared, or nobody to compare them on.
    """
    paths = [new] if champion is None else [new, champion]
    opened = open_sources(paths, dataset, recipe)
    sources = [opened[path] for path in paths]
    people = choose_held_out(sources, dataset, recipe.fold, trained_on)
    asked = [source.answer(people.rows) for source in sources]
    paired = pair_people(asked[0], asked[1] if champion else None, dataset, people.rows, people.sides)
    found = [check_people(one, settings) for one in paired]
    checks = [check for one in found for check in one.checks]
    if not checks:
        raise UserError(f"{dataset.name}: too few held-out people to judge anything on; name more data.")
    files = [path for path in paths if path.suffix.lower() in _SIGNABLE]
    notes = [note for one in found for note in one.notes]
    if champion and len(files) == 2:
        checks += check_files(new, champion, settings)
    elif champion:
        notes.append("Size and time were not compared: they need two .tflite or .onnx files.")
    power = _least_power(found)
    return Decision(
        tuple(checks),
        _sha256(new),
        None if champion is None else _sha256(champion),
        dataset.fingerprint,
        people_in(paired),
        people.sentence,
        None if power is None else power.power,
        power.check if power else "",
        None if power is None else power.people_needed,
        tuple(notes),
        signed_by,
    )


def _least_power(found: Sequence[PeopleChecks]) -> Power | None:
    """Power of the comparison that an equal model most often fails."""
    return min((power for one in found for power in one.powers), key=lambda power: power.power, default=None)


def _sha256(path: Path) -> str | None:
    if path.suffix.lower() == PREDICTIONS_SUFFIX:
        return None
    return str(read_record(path)["sha256"])


def sign(path: Path, decision: Decision, output: Path | None = None) -> str:
    """Write a decision into a model file's record, as its entry `gate`; the model itself stays the same.

    Args:
        path: `.tflite` or `.onnx` file that was decided on.
        decision: see `gate`.
        output: file to write; `path` itself where None.

    Returns:
        The SHA-256 in the new record, which covers model and decision.

    Raises:
        UserError: another file than the one decided on, or not of a kind that is signed.
    """
    if path.suffix.lower() not in _SIGNABLE:
        raise UserError(f"{path}: a decision is written into .tflite and .onnx files alone.")
    read, write = (read_onnx, write_onnx) if path.suffix.lower() == ".onnx" else (read_tflite, write_tflite)
    model, record = read(path)
    if record["sha256"] != decision.candidate:
        raise UserError(f"{path} is not the file that was decided on (its SHA-256 differs); gate it again.")
    target = output or path
    write(target, model, record | {GATE_ENTRY: decision.to_dict()})
    return str(read(target)[1]["sha256"])
