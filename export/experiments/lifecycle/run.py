"""The pipeline's own runner: steps that are done are not done again, whatever ended the process."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from alzedge.data.dataset import DataSet
from alzedge.export.evaluate.gate.gate import DEFAULTS
from alzedge.export.evaluate.gate.settings import GateSettings
from alzedge.export.experiments.lifecycle import steps
from alzedge.export.experiments.lifecycle.opening import Opened
from alzedge.model_file.decision import Decision, Outcome
from alzedge.model_file.read_write import read_record
from alzedge.model_file.registry.client import open_registry
from alzedge.model_file.registry.location import CHAMPION, Location
from alzedge.model_file.registry.versions import FILE, Version, aliases_of, fetch, find_version
from alzedge.runs.run_folder import file_sha256, open_run_folder
from alzedge.runs.split_run import run_identity
from alzedge.utils.progress import OnPhase, quiet_phase

CANDIDATE, DECISION, PUSHED = "candidate.tflite", "decision.json", "pushed.json"
SCHEMA, STATISTICS, ANOMALIES, DATA = "schema.pbtxt", "stats.pb", "anomalies.json", "data.json"


@dataclass(frozen=True)
class LifecycleSettings:
    """Settings of a run of the pipeline.

    Attributes:
        registry: to compare with and push to.
        schema: that the data must fit; None to infer one from the data, to be edited and named the next time.
        gate: limits.
        trained_on: data that the champion was trained on, where that is other data.
        signed_by: who answers for the decision.
    """

    registry: Location
    schema: Path | None = None
    gate: GateSettings = DEFAULTS
    trained_on: Sequence[DataSet] = ()
    signed_by: str = ""


@dataclass(frozen=True)
class LifecycleResult:
    """Result of a run.

    Attributes:
        outcome: of the gate.
        decision: taken now; None where it had been taken before.
        champion: number of the version that serves now; None where nothing does.
        candidate: the signed file.
    """

    outcome: Outcome
    decision: Decision | None
    champion: int | None
    candidate: Path


def run_lifecycle(
    opened: Opened, settings: LifecycleSettings, out: Path, on_phase: OnPhase = quiet_phase
) -> LifecycleResult:
    """Ingest, compute statistics, validate, train, evaluate, gate and push.

    Args:
        opened: data and recipe.
        settings: registry, schema and limits.
        out: folder, new or of the same run; its `run.json` is the ledger.
        on_phase: called with the title of each step that is not done.

    Raises:
        UserError: data that do not fit the schema, or a registry that cannot be used. A model that the gate does not
            bless is no error: it is not pushed, and the result says so.
    """
    dataset, folder = opened.dataset, open_run_folder(out, run_identity(opened.dataset, opened.recipe))
    given = settings.schema
    schema, depends = out / SCHEMA, {"data": dataset.fingerprint}

    def describe(stem: Path) -> None:
        with on_phase("stats"):
            steps.compute_statistics(dataset, out / STATISTICS, None if given else schema)
            if given:
                schema.write_bytes(given.read_bytes())

    folder.perform("ingest", depends, [], [out / DATA], lambda stem: steps.ingest(opened, out / DATA))
    folder.perform("stats", depends, [given] if given else [], [out / STATISTICS, schema], describe)
    folder.perform(
        "validate",
        depends,
        [schema],
        [out / ANOMALIES],
        lambda stem: steps.validate_data(dataset, schema, out / ANOMALIES),
    )
    steps.train(opened, folder, on_phase)
    model = steps.evaluate(opened, folder, on_phase)
    candidate, decided = out / CANDIDATE, out / DECISION
    champion = find_champion(settings.registry)
    if champion is not None and candidate.exists() and read_record(candidate)["sha256"] == champion.sha256:
        return LifecycleResult(Outcome.BLESSED, None, champion.number, candidate)  # it serves already
    file = champion_file(settings.registry)
    taken: list[Decision] = []

    def judge(stem: Path) -> None:
        with on_phase("gate"):
            limits = settings.gate, settings.trained_on, settings.signed_by
            taken.append(steps.gate_model(model, file, opened, candidate, decided, *limits))

    known = [one.fingerprint for one in settings.trained_on]
    limits = {**depends, "gate": asdict(settings.gate), "known": known, "signed": settings.signed_by}
    folder.perform("gate", limits, [model, *([file] if file else [])], [candidate, decided], judge)
    outcome = Outcome(json.loads(decided.read_text())["outcome"])
    if outcome is Outcome.BLESSED:
        delivery = steps.Delivery(candidate, out / steps.SAVED_MODEL, schema)

        def deliver(stem: Path) -> None:
            with on_phase("push"):
                steps.push_model(delivery, outcome, settings.registry, out / PUSHED)

        target = {"registry": settings.registry.uri, "candidate": file_sha256(candidate)}
        folder.perform("push", target, [candidate, schema], [out / PUSHED], deliver)
        champion = find_champion(settings.registry)
    return LifecycleResult(outcome, taken[0] if taken else None, champion.number if champion else None, candidate)


def find_champion(location: Location) -> Version | None:
    """The version that serves; None where nothing does, or there is no registry yet."""
    if location.database is not None and not location.database.is_file():
        return None
    registry = open_registry(location)
    number = aliases_of(registry).get(CHAMPION)
    return None if number is None else find_version(registry, number)


def champion_file(location: Location) -> Path | None:
    """File of the version that serves; None where nothing does."""
    champion = find_champion(location)
    return None if champion is None else fetch(open_registry(location), champion) / FILE
