"""The pipeline for Kubeflow Pipelines v2: the plain functions of `steps` as components, compiled to YAML.

A component is sent as the text of its function, so that each imports what it needs inside. Nothing of AlzEdge is imported
to compile, TensorFlow least of all.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kfp import compiler, dsl
from kfp.dsl import Artifact, Dataset, Input, Metrics, Model, Output


@dataclass(frozen=True)
class Compiled:
    """Settings of the compiled pipeline.

    Attributes:
        image: container with `alzedge[export,mlops,kfp]`, for every step.
        data, people, recipe, registry: default parameters; see `alzedge.export.experiments.lifecycle.opening.Spec`.
    """

    image: str
    data: str = "phantoms"
    people: str = ""
    recipe: str = ""
    registry: str = "alzedge-registry"


def ingest(data: str, people: str, recipe: str, seed: int, registry: str, summary: Output[Artifact]) -> None:
    """Read the data once and write what they are; a registry that cannot take a model ends the pipeline here."""
    from pathlib import Path

    from alzedge.export.experiments.lifecycle import steps
    from alzedge.export.experiments.lifecycle.opening import Spec, open_spec
    from alzedge.model_file.registry.location import locate
    from alzedge.model_file.registry.versions import check_usable

    check_usable(locate(registry))
    opened = open_spec(Spec(tuple(data.split()), people, recipe, seed))
    steps.ingest(opened, Path(summary.path))


def stats(
    data: str,
    people: str,
    recipe: str,
    seed: int,
    summary: Input[Artifact],
    statistics: Output[Dataset],
    inferred: Output[Artifact],
) -> None:
    """Compute statistics, and the schema that follows from them."""
    from pathlib import Path

    from alzedge.export.experiments.lifecycle import steps
    from alzedge.export.experiments.lifecycle.opening import Spec, open_spec

    opened = open_spec(Spec(tuple(data.split()), people, recipe, seed))
    steps.compute_statistics(opened.dataset, Path(statistics.path), Path(inferred.path))


def validate(
    data: str,
    people: str,
    recipe: str,
    seed: int,
    schema: str,
    inferred: Input[Artifact],
    used: Output[Artifact],
    anomalies: Output[Artifact],
) -> None:
    """Hold the data against a schema; where none is named, against the one that was inferred."""
    import shutil
    from pathlib import Path

    from alzedge.export.experiments.lifecycle import steps
    from alzedge.export.experiments.lifecycle.opening import Spec, open_spec

    opened = open_spec(Spec(tuple(data.split()), people, recipe, seed))
    Path(used.path).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(schema or inferred.path, used.path)
    steps.validate_data(opened.dataset, Path(used.path), Path(anomalies.path))


def train(data: str, people: str, recipe: str, seed: int, anomalies: Input[Artifact], trained: Output[Model]) -> None:
    """Train teacher and student, and export the student."""
    from pathlib import Path

    from alzedge.export.experiments.lifecycle import steps
    from alzedge.export.experiments.lifecycle.opening import Spec, open_spec
    from alzedge.runs.run_folder import open_run_folder
    from alzedge.runs.split_run import run_identity

    opened = open_spec(Spec(tuple(data.split()), people, recipe, seed))
    folder = open_run_folder(Path(trained.path), run_identity(opened.dataset, opened.recipe))
    steps.train(opened, folder)


def evaluate(
    data: str,
    people: str,
    recipe: str,
    seed: int,
    trained: Input[Model],
    evaluated: Output[Model],
    figures: Output[Metrics],
) -> None:
    """Measure the models on the held-out people."""
    import shutil
    from pathlib import Path

    from alzedge.export.experiments.lifecycle import steps
    from alzedge.export.experiments.lifecycle.opening import Spec, open_spec
    from alzedge.model_file.read_write import read_record
    from alzedge.runs.run_folder import open_run_folder
    from alzedge.runs.split_run import run_identity

    opened = open_spec(Spec(tuple(data.split()), people, recipe, seed))
    shutil.copytree(trained.path, evaluated.path, dirs_exist_ok=True)
    folder = open_run_folder(Path(evaluated.path), run_identity(opened.dataset, opened.recipe))
    record = read_record(steps.evaluate(opened, folder))
    auc = record["metrics"]["subject"]["person"]["any_dementia"]["roc_auc"]
    figures.log_metric("roc_auc_any_dementia_unseen_people", auc["value"] if auc else -1.0)


def gate(
    data: str,
    people: str,
    recipe: str,
    seed: int,
    registry: str,
    trained_on: str,
    signed_by: str,
    evaluated: Input[Model],
    decision: Output[Artifact],
    candidate: Output[Model],
) -> str:
    """Compare the new model with the champion of the registry; answers 'blessed', 'refused' or 'cannot tell'."""
    from pathlib import Path

    from alzedge.export.evaluate.gate.gate import DEFAULTS
    from alzedge.export.experiments.lifecycle import steps
    from alzedge.export.experiments.lifecycle.opening import Spec, open_spec
    from alzedge.export.experiments.lifecycle.run import CANDIDATE, champion_file
    from alzedge.model_file.registry.location import locate

    opened = open_spec(Spec(tuple(data.split()), people, recipe, seed))
    signed = Path(candidate.path) / CANDIDATE
    champion = champion_file(locate(registry))
    model = Path(evaluated.path) / steps.MODEL
    known = [open_spec(Spec((one,), people, recipe, seed)).dataset for one in trained_on.split()]
    taken = steps.gate_model(model, champion, opened, signed, Path(decision.path), DEFAULTS, known, signed_by)
    return str(taken.outcome)


def push(
    registry: str,
    outcome: str,
    candidate: Input[Model],
    evaluated: Input[Model],
    used: Input[Artifact],
    pushed: Output[Artifact],
) -> None:
    """Push a blessed model and make it the champion; anything else fails this step, and so the pipeline."""
    from pathlib import Path

    from alzedge.export.experiments.lifecycle import steps
    from alzedge.export.experiments.lifecycle.run import CANDIDATE
    from alzedge.model_file.decision import Outcome
    from alzedge.model_file.registry.location import locate

    saved_model = Path(evaluated.path) / steps.SAVED_MODEL
    delivery = steps.Delivery(Path(candidate.path) / CANDIDATE, saved_model, Path(used.path))
    steps.push_model(delivery, Outcome(outcome), locate(registry), Path(pushed.path))


_STEPS = (ingest, stats, validate, train, evaluate, gate, push)


def make_pipeline(settings: Compiled) -> Any:
    """Make the pipeline; its parameters are data, people, recipe, seed, schema, registry, trained_on and signed_by."""
    made = {step.__name__: dsl.component(step, base_image=settings.image, install_kfp_package=False) for step in _STEPS}

    @dsl.pipeline(name="alzedge", description="Ingest, stats, validate, train, evaluate, gate, push.")
    def alzedge(
        data: str = settings.data,
        people: str = settings.people,
        recipe: str = settings.recipe,
        seed: int = -1,
        schema: str = "",
        registry: str = settings.registry,
        trained_on: str = "",
        signed_by: str = "",
    ) -> None:
        source = {"data": data, "people": people, "recipe": recipe, "seed": seed}
        read = made["ingest"](**source, registry=registry)
        counted = made["stats"](**source, summary=read.outputs["summary"])
        valid = made["validate"](**source, schema=schema, inferred=counted.outputs["inferred"])
        trained = made["train"](**source, anomalies=valid.outputs["anomalies"])
        measured = made["evaluate"](**source, trained=trained.outputs["trained"])
        judged = made["gate"](
            **source,
            registry=registry,
            trained_on=trained_on,
            signed_by=signed_by,
            evaluated=measured.outputs["evaluated"],
        )
        made["push"](
            registry=registry,
            outcome=judged.outputs["Output"],
            candidate=judged.outputs["candidate"],
            evaluated=measured.outputs["evaluated"],
            used=valid.outputs["used"],
        )
        for task in (read, counted, valid, trained, measured, judged):
            task.set_caching_options(False)  # the registry and the data behind a path may change

    return alzedge


def compile_pipeline(settings: Compiled, output: Path) -> None:
    """Compile the pipeline to YAML for Kubeflow Pipelines v2, whole or not at all."""
    from alzedge.utils.files import replacing

    with replacing(output) as temporary:
        compiler.Compiler().compile(make_pipeline(settings), str(temporary))
