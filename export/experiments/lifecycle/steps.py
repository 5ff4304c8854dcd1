"""Steps of the pipeline as plain functions, each from data and files to files."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from alzedge.data.dataset import DataSet, split_dataset
from alzedge.data.split_names import SUBJECT
from alzedge.errors import UserError
from alzedge.export.evaluate.gate.gate import gate, sign
from alzedge.export.evaluate.gate.settings import GateSettings
from alzedge.export.experiments.lifecycle.opening import Opened
from alzedge.export.phases import FILE_NAMES, STUDENT, evaluate_phase, release_phase
from alzedge.export.pipeline import train_and_export
from alzedge.export.target import Target
from alzedge.metrics.scores import MIN_PEOPLE
from alzedge.model_file.decision import Decision, Outcome
from alzedge.model_file.registry.changes import Promotion, promote, push
from alzedge.model_file.registry.location import Location
from alzedge.monitoring.measure import measure
from alzedge.monitoring.schema import infer_schema, read_schema
from alzedge.monitoring.statistics import summarise, write_statistics
from alzedge.monitoring.validate import Anomaly, validate
from alzedge.runs.run_folder import RunFolder
from alzedge.runs.split_run import SplitRun, make_split_run
from alzedge.utils.files import write_json
from alzedge.utils.progress import OnPhase, quiet_phase

MODEL = FILE_NAMES["int8"]
SAVED_MODEL = "saved_model"
_GRAPH = "saved_model.pb"
# A phantom looks almost the same upside down, and has no folds of its own to be told from others by.
_NOT_OF_PHANTOMS = ("upside-down", "on its side", "duplicated person")


def ingest(opened: Opened, output: Path) -> None:
    """Write what the data set is: name, fingerprint, numbers of slices and people.

    Raises:
        UserError: the people are unknown, or too few of them are held out to judge a model on.
    """
    dataset, fold = opened.dataset, opened.recipe.fold
    held_out = split_dataset(dataset, SUBJECT, fold).test
    labels = dataset.labels[held_out]
    people = [len(np.unique(dataset.subject[held_out[chosen]])) for chosen in (labels > 0, labels == 0)]
    if min(people) < MIN_PEOPLE:
        raise UserError(
            f"{dataset.name}: of the people held out in fold {fold} {people[0]} have dementia and {people[1]} have none; "
            f"the gate needs {MIN_PEOPLE} of each and tells little with fewer than 100. Name more data."
        )
    content = {"name": dataset.name, "fingerprint": dataset.fingerprint, "slices": len(dataset)}
    content |= {"people": len(np.unique(dataset.subject)), "held_out": sum(people), "synthetic": dataset.synthetic}
    write_json(output, content)


def compute_statistics(dataset: DataSet, statistics: Path, schema: Path | None = None) -> None:
    """Write statistics of the data as TFX's `DatasetFeatureStatisticsList`, and where asked the schema that follows."""
    reference = summarise(measure(dataset))
    write_statistics(reference, statistics)
    if schema is not None:
        infer_schema(reference, schema)


def validate_data(dataset: DataSet, schema: Path, output: Path) -> None:
    """Hold data against a schema; writes the anomalies as JSON.

    Raises:
        UserError: there are any; the file tells all of them.
    """
    anomalies = validate(dataset, measure(dataset), read_schema(schema))
    if dataset.synthetic:
        anomalies = tuple(one for one in anomalies if one.name not in _NOT_OF_PHANTOMS)
    write_json(output, {"anomalies": [asdict(one) for one in anomalies]})
    if anomalies:
        raise UserError(
            f"{dataset.name} does not fit {schema}: {_listed(anomalies)}; see {output}, then mend the data or the schema."
        )


def _listed(anomalies: Sequence[Anomaly]) -> str:
    rest = f"; and {len(anomalies) - 2} more" if len(anomalies) > 2 else ""
    return "; ".join(f"{one.name}: {one.sentence}" for one in anomalies[:2]) + rest


def train(opened: Opened, run_folder: RunFolder, on_phase: OnPhase = quiet_phase) -> dict[str, Path]:
    """Train teacher and student without the held-out people, and export the student; returns all models by file name."""
    split_run = _split_run(opened, run_folder)
    models = train_and_export(split_run, on_phase)
    folder = run_folder.path / SAVED_MODEL

    def action(stem: Path) -> None:
        from alzedge.export.export_student import export_student
        from alzedge.export.prepared_student import prepare_student

        with on_phase(f"{split_run.title}: SavedModel"):
            prepared = prepare_student(models[STUDENT], split_run.dataset, split_run.split, split_run.recipe)
            export_student(prepared, folder, Target("saved_model"))

    split_run.perform("saved-model", ["export"], [models[STUDENT]], [folder / _GRAPH], action)
    return models


def evaluate(opened: Opened, run_folder: RunFolder, on_phase: OnPhase = quiet_phase) -> Path:
    """Measure the models that `train` left in the folder on the held-out people; returns the file to be gated.

    Its record tells the figures; `metrics.json` in the folder holds all of them.
    """
    split_run = _split_run(opened, run_folder)
    models = train_and_export(split_run, on_phase)  # all of it is done
    metrics = evaluate_phase(split_run, models, on_phase)
    return release_phase(run_folder, [split_run], [metrics])["int8"]


def _split_run(opened: Opened, run_folder: RunFolder) -> SplitRun:
    split = split_dataset(opened.dataset, SUBJECT, opened.recipe.fold)
    return make_split_run(run_folder, run_folder.path / SUBJECT, opened.dataset, opened.recipe, split)


def gate_model(
    model: Path,
    champion: Path | None,
    opened: Opened,
    signed: Path,
    decision_file: Path,
    settings: GateSettings,
    trained_on: Sequence[DataSet] = (),
    signed_by: str = "",
) -> Decision:
    """Decide on a model, and write it with the decision in its record, and the decision as JSON.

    Args:
        model: `.tflite` file of `evaluate`.
        champion: that it is to replace; None where nothing serves.
        opened: data and recipe.
        signed, decision_file: to write.
        settings, trained_on, signed_by: see `alzedge.export.evaluate.gate.gate.gate`.
    """
    decision = gate(model, champion, opened.dataset, opened.recipe, settings, trained_on, signed_by)
    sign(model, decision, signed)
    write_json(decision_file, decision.to_dict())
    return decision


@dataclass(frozen=True)
class Delivery:
    """Files that a registry takes.

    Attributes:
        model: signed `.tflite` file.
        saved_model: folder of the same student.
        schema: of the data.
    """

    model: Path
    saved_model: Path
    schema: Path


def push_model(delivery: Delivery, outcome: Outcome, location: Location, output: Path) -> Promotion:
    """Push a blessed model to the registry and make it the champion; writes version and SHA-256 as JSON.

    Raises:
        UserError: it was not blessed, or the registry refuses it.
    """
    if outcome is not Outcome.BLESSED:
        raise UserError(
            f"{delivery.model}: the gate's decision is '{outcome}', so it is not pushed; the champion serves on."
        )
    version = push(location, delivery.model, delivery.saved_model, delivery.schema)
    promotion = promote(location, version.number)
    write_json(output, {"version": version.number, "sha256": version.sha256, "before": promotion.before})
    return promotion
