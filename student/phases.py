"""Phases of a run that make the student, from files to files."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from alzedge.errors import UserError
from alzedge.inference.measures.demographics import DEMOGRAPHICS, Coding
from alzedge.model_file.read_write import ModelKind, Role, make_record, read_keras_record
from alzedge.runs.split_run import SplitRun
from alzedge.teacher.phases import Resources
from alzedge.utils.files import replacing, write_json
from alzedge.utils.progress import OnPhase, OnStep, quiet_phase

if TYPE_CHECKING:
    import keras

    from alzedge.student.cross_fit import SoftTargets

_ONE_DEVICE = Resources()


def targets_phase(
    split_run: SplitRun, teacher: Path, pretrained: Path | None = None, on_phase: OnPhase = quiet_phase
) -> Path:
    """Compute soft targets; writes and returns `soft_targets.npy` and a description beside it.

    They are float32 (views, N, 4), for a measuring student (1, N, 6); see `alzedge.student.measuring`.

    Args:
        split_run: data, split and recipe.
        teacher: `.keras` file of the teacher that gives them.
        pretrained: `.keras` file that cross-fitted teachers begin with; where None `pretrained.keras` beside the teacher.
        on_phase: called with the phase's title, unless it is finished already.

    Raises:
        UserError: no `pretrained.keras` for cross-fitting, or see `alzedge.student.cross_fit.cross_fitted_targets`.
    """
    output, description = split_run.folder / "soft_targets.npy", _description(split_run)
    settings = ["distill", "measures", "augment"]
    inputs = [teacher]
    if split_run.recipe.distill.cross_fit:
        settings += ["teacher", "finetune"]
        inputs.append(pretrained or _pretrained(teacher))

    def action(stem: Path) -> None:
        from alzedge.student.cross_fit import SoftTargets, cross_fitted_targets, with_truth
        from alzedge.student.distill import soft_targets
        from alzedge.teacher.keras_file import load_model
        from alzedge.teacher.training.loop import set_seed

        set_seed(split_run.recipe.seed)
        model, _ = load_model(inputs[-1])
        with on_phase(f"{split_run.title}: soft targets") as on_step:
            if split_run.recipe.measures.learn:
                targets = _measuring(split_run, model, stem, on_step)
            elif split_run.recipe.distill.cross_fit:
                labels, people = split_run.training_labels(), split_run.training_people()
                csf = _csf(split_run) if split_run.recipe.distill.fluid else None
                targets = cross_fitted_targets(
                    model, split_run.training_inputs(), labels, people, split_run.recipe, stem, on_step, csf
                )
            else:
                targets = SoftTargets(soft_targets(model, split_run.training_inputs(), split_run.recipe, on_step))
        truth = split_run.recipe.distill.truth
        if truth and not split_run.recipe.measures.learn:
            targets = with_truth(targets, split_run.training_labels(), truth)
        with replacing(output) as temporary:
            np.save(temporary, targets.logits)
        write_json(description, targets.to_dict())

    split_run.perform("targets", settings, inputs, [output, description], action)
    return output


def distill_phase(
    split_run: SplitRun,
    targets: Path,
    teacher: Path,
    on_phase: OnPhase = quiet_phase,
    resources: Resources = _ONE_DEVICE,
) -> Path:
    """Distill a student from the soft targets of `teacher`; writes and returns `student.keras`."""
    output, curve = split_run.folder / "student.keras", split_run.folder / "student.loss.json"
    settings = ["student", "distill", "measures", "augment"]
    if split_run.recipe.demographics.learn:  # else left out, as older run folders know nothing of it
        settings.append("demographics")

    def action(stem: Path) -> None:
        from alzedge.student.distill import distill
        from alzedge.teacher.keras_file import save_model
        from alzedge.teacher.training.tracking import recorded

        wandb_name = f"{split_run.title}-distill" if resources.wandb else None
        with (
            on_phase(f"{split_run.title}: student distillation") as show,
            recorded(split_run.folder / "events" / "distill", show, wandb_name) as on_step,
        ):
            truths = split_run.training_truths()
            model, history = distill(
                np.load(targets),
                split_run.training_inputs(),
                split_run.recipe,
                stem.with_suffix(".npz"),
                on_step,
                truths.scales() if truths else None,
                split_run.training_demographics(),
            )
        provenance = split_run.provenance(settings, read_keras_record(teacher))
        provenance["soft_targets"] = json.loads(_description(split_run).read_text())
        if split_run.recipe.demographics.learn:
            provenance[DEMOGRAPHICS] = Coding().to_dict()
        save_model(model, output, make_record(ModelKind(Role.STUDENT), split_run.recipe.preprocessing, **provenance))
        write_json(curve, history)

    split_run.perform("distill", settings, [targets, _description(split_run), teacher], [output, curve], action)
    return output


def _measuring(split_run: SplitRun, model: "keras.Model", stem: Path, on_step: OnStep) -> "SoftTargets":
    """Targets of a measuring student, from the teacher or from what cross-fitted ones begin with."""
    from alzedge.student.cross_fit import SoftTargets
    from alzedge.student.measuring import cross_fitted_measuring_targets, measuring_targets

    recipe, truths = split_run.recipe, split_run.training_truths()
    if truths is None:
        raise ValueError("a recipe without measures has no measuring targets")
    images, scan = split_run.training_inputs(), split_run.training_scans()
    if not recipe.distill.cross_fit:
        return SoftTargets(measuring_targets(model, images, truths, scan, recipe.distill.truth, on_step))
    labels, people = split_run.training_labels(), split_run.training_people()
    table = cross_fitted_measuring_targets(model, images, truths, labels, people, scan, recipe, stem, on_step)
    return SoftTargets(table, parts=recipe.distill.cross_fit)


def _csf(split_run: SplitRun) -> NDArray[np.float32]:
    from alzedge.student.targets import csf_by_person

    train, names = split_run.split.train, split_run.training_people()
    person = np.unique(names, return_inverse=True)[1]
    return csf_by_person(split_run.dataset.images[train], person, split_run.dataset.slice[train])


def _pretrained(teacher: Path) -> Path:
    """Path of the model that every cross-fitted teacher begins with, which `alzedge train` writes beside the teacher.

    Raises:
        UserError: it is missing, or of another kind.
    """
    path = teacher.with_name("pretrained.keras")
    if not path.exists():
        raise UserError(f"{path}: no such file, and distill.cross_fit begins with it; keep it beside {teacher.name}.")
    read_keras_record(path, Role.PRETRAINED)
    return path


def _description(split_run: SplitRun) -> Path:
    return split_run.folder / "soft_targets.json"
