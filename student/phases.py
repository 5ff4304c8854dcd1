"""The student's phases of a run, from files to files."""

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alzedge.commands.progress_bars import show_steps
from alzedge.errors import UserError
from alzedge.model_file.read_write import make_record, read_keras_record
from alzedge.runs.split_run import Job
from alzedge.utils.files import replacing, write_json


def targets_phase(job: Job, teacher: Path, pretrained: Path | None = None) -> Path:
    """Soft targets; writes and returns `soft_targets.npy` (views, N, 4), and beside it how they came about.

    Args:
        job: what is worked on.
        teacher: whose targets they are.
        pretrained: what cross-fitted teachers begin with; where None `pretrained.keras` beside the teacher.
    """
    output, told = job.folder / "soft_targets.npy", _told(job)
    settings = ["distill", "augment"]
    inputs = [teacher]
    if job.recipe.distill.cross_fit:
        settings += ["teacher", "finetune"]
        inputs.append(pretrained or _pretrained(teacher))

    def action(stem: Path) -> None:
        from alzedge.student.cross_fit import SoftTargets, cross_fitted_targets
        from alzedge.student.distill import soft_targets
        from alzedge.teacher.keras_file import load_model
        from alzedge.teacher.training.loop import set_seed

        set_seed(job.recipe.seed)
        model, _ = load_model(inputs[-1])
        with show_steps(f"{job.title}: soft targets") as on_step:
            if job.recipe.distill.cross_fit:
                labels, people = job.training_labels(), job.training_people()
                fluid = _fluid(job) if job.recipe.distill.fluid else None
                targets = cross_fitted_targets(
                    model, job.training_inputs(), labels, people, job.recipe, stem, on_step, fluid
                )
            else:
                targets = SoftTargets(soft_targets(model, job.training_inputs(), job.recipe, on_step))
        with replacing(output) as temporary:
            np.save(temporary, targets.logits)
        write_json(told, targets.to_dict())

    job.perform("targets", settings, inputs, [output, told], action)
    return output


def distill_phase(job: Job, targets: Path, teacher: Path) -> Path:
    """Distillation from the soft targets of `teacher`; writes and returns `student.keras`."""
    output, curve = job.folder / "student.keras", job.folder / "student.loss.json"
    settings = ["student", "distill", "augment"]

    def action(stem: Path) -> None:
        from alzedge.student.distill import distill
        from alzedge.teacher.keras_file import save_model

        with show_steps(f"{job.title}: student distillation") as on_step:
            model, history = distill(
                np.load(targets), job.training_inputs(), job.recipe, stem.with_suffix(".npz"), on_step
            )
        provenance = job.provenance(settings, read_keras_record(teacher))
        how = json.loads(_told(job).read_text())
        save_model(model, output, make_record("student", job.recipe.preprocessing, **provenance, soft_targets=how))
        write_json(curve, history)

    job.perform("distill", settings, [targets, _told(job), teacher], [output, curve], action)
    return output


def _fluid(job: Job) -> NDArray[np.float32]:
    from alzedge.student.targets import fluid_by_person

    train, names = job.split.train, job.training_people()
    person = np.unique(names, return_inverse=True)[1]
    return fluid_by_person(job.dataset.images[train], person, job.dataset.slice[train])


def _pretrained(teacher: Path) -> Path:
    """What every cross-fitted teacher begins with: the file that `alzedge train` writes beside the teacher.

    Raises:
        UserError: it is not there.
    """
    path = teacher.with_name("pretrained.keras")
    if not path.exists():
        raise UserError(f"{path}: no such file, and distill.cross_fit begins with it; keep it beside {teacher.name}.")
    read_keras_record(path, "pretrained")
    return path


def _told(job: Job) -> Path:
    return job.folder / "soft_targets.json"
