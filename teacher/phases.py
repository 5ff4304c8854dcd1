"""The teacher's phases of a run, from files to files."""

from pathlib import Path

from alzedge.files import write_json
from alzedge.job import Job
from alzedge.modelfile import make_record
from alzedge.progress import show_steps


def pretrain_phase(job: Job, devices: int = 1) -> Path:
    """Contrastive pre-training; writes and returns `pretrained.keras`."""
    output, curve = job.folder / "pretrained.keras", job.folder / "pretrained.loss.json"
    settings = ["teacher", "pretrain", "augment"]

    def action(stem: Path) -> None:
        from alzedge.teacher.pretrain import pretrain
        from alzedge.teacher.saving import save_model

        with show_steps(f"{job.title}: teacher pre-training") as on_step:
            model, history = pretrain(
                job.training_inputs(),
                job.recipe,
                stem.with_suffix(".npz"),
                on_step,
                people=job.training_people(),
                devices=devices,
            )
        save_model(model, output, make_record("pretrained", job.recipe.preprocessing, **job.provenance(settings)))
        write_json(curve, history)

    job.perform("pretrain", settings, job.recipe.teacher.weights_files(), [output, curve], action)
    return output


def finetune_phase(job: Job, pretrained: Path, devices: int = 1) -> Path:
    """Fine-tuning on the labels; writes and returns `teacher.keras`."""
    output, curve = job.folder / "teacher.keras", job.folder / "teacher.loss.json"
    settings = ["teacher", "finetune", "augment"]

    def action(stem: Path) -> None:
        from alzedge.teacher.finetune import finetune
        from alzedge.teacher.saving import load_model, save_model

        encoder, record = load_model(pretrained)
        with show_steps(f"{job.title}: teacher fine-tuning") as on_step:
            model, history = finetune(
                encoder,
                job.training_inputs(),
                job.training_labels(),
                job.recipe,
                stem.with_suffix(".npz"),
                on_step,
                people=job.training_people(),
                devices=devices,
            )
        save_model(model, output, make_record("teacher", job.recipe.preprocessing, **job.provenance(settings, record)))
        write_json(curve, history)

    job.perform("finetune", settings, [pretrained], [output, curve], action)
    return output
