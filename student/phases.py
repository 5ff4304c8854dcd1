"""The student's phases of a run, from files to files."""

from pathlib import Path

import numpy as np

from alzedge.files import replacing, write_json
from alzedge.job import Job
from alzedge.modelfile import make_record, read_keras_record
from alzedge.progress import show_steps


def targets_phase(job: Job, teacher: Path) -> Path:
    """The teacher's soft targets; writes and returns `soft_targets.npy` (views, N, 4)."""
    output = job.folder / "soft_targets.npy"

    def action(stem: Path) -> None:
        from alzedge.student.distill import soft_targets
        from alzedge.teacher.saving import load_model
        from alzedge.teacher.training import set_seed

        set_seed(job.recipe.seed)
        model, _ = load_model(teacher)
        with show_steps(f"{job.title}: soft targets") as on_step:
            targets = soft_targets(model, job.training_inputs(), job.recipe, on_step)
        with replacing(output) as temporary:
            np.save(temporary, targets)

    job.perform("targets", ["distill", "augment"], [teacher], [output], action)
    return output


def distill_phase(job: Job, targets: Path, teacher: Path) -> Path:
    """Distillation from the soft targets of `teacher`; writes and returns `student.keras`."""
    output, curve = job.folder / "student.keras", job.folder / "student.loss.json"
    settings = ["student", "distill", "augment"]

    def action(stem: Path) -> None:
        from alzedge.student.distill import distill
        from alzedge.teacher.saving import save_model

        with show_steps(f"{job.title}: student distillation") as on_step:
            model, history = distill(
                np.load(targets), job.training_inputs(), job.recipe, stem.with_suffix(".npz"), on_step
            )
        provenance = job.provenance(settings, read_keras_record(teacher))
        save_model(model, output, make_record("student", job.recipe.preprocessing, **provenance))
        write_json(curve, history)

    job.perform("distill", settings, [targets, teacher], [output, curve], action)
    return output
