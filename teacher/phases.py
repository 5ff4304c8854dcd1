"""Phases of a run that make the teacher, from files to files."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from alzedge.model_file.read_write import make_record
from alzedge.runs.split_run import Job
from alzedge.utils.files import write_json
from alzedge.utils.progress import OnPhase, quiet_phase

if TYPE_CHECKING:
    from alzedge.teacher.simclrv2.init import Start


@dataclass(frozen=True)
class Resources:
    """Devices and services of a training; its result is the same with others but for rounding.

    Attributes:
        devices: number of devices that share each batch.
        wandb: whether Weights & Biases keeps the loss curve, too.
    """

    devices: int = 1
    wandb: bool = False


_DEFAULT = Resources()


def pretrain_phase(job: Job, resources: Resources = _DEFAULT, on_phase: OnPhase = quiet_phase) -> Path:
    """Pre-train on pairs of views; writes and returns `pretrained.keras`."""
    output, curve = job.folder / "pretrained.keras", job.folder / "pretrained.loss.json"
    settings = ["teacher", "pretrain", "augment"]

    def action(stem: Path) -> None:
        from alzedge.teacher.keras_file import save_model
        from alzedge.teacher.pretrain import pretrain
        from alzedge.teacher.training.tracking import recorded

        wandb_name = f"{job.title}-pretrain" if resources.wandb else None
        with (
            on_phase(f"{job.title}: teacher pre-training") as show,
            recorded(job.folder / "events" / "pretrain", show, wandb_name) as on_step,
        ):
            model, history = pretrain(
                job.training_inputs(),
                job.recipe,
                stem.with_suffix(".npz"),
                on_step,
                people=job.training_people(),
                places=job.dataset.slice[job.split.train],
                devices=resources.devices,
            )
        save_model(model, output, make_record("pretrained", job.recipe.preprocessing, **job.provenance(settings)))
        write_json(curve, history)

    job.perform("pretrain", settings, job.recipe.teacher.weights_files(), [output, curve], action)
    return output


def init_phase(job: Job, start: "Start") -> Path:
    """Take over a public checkpoint instead of pre-training; writes and returns `pretrained.keras`."""
    output = job.folder / "pretrained.keras"
    settings = ["teacher"]

    def action(stem: Path) -> None:
        from alzedge.teacher.keras_file import save_model
        from alzedge.teacher.simclrv2.load import load_pretrained

        model = load_pretrained(start.variables, job.recipe.preprocessing.input_shape)
        provenance = job.provenance(settings)
        provenance["recipe"]["init"] = start.describe()
        save_model(model, output, make_record("pretrained", job.recipe.preprocessing, **provenance))

    job.perform("init", settings, [], [output], action)
    return output


def finetune_phase(
    job: Job, pretrained: Path, resources: Resources = _DEFAULT, on_phase: OnPhase = quiet_phase
) -> Path:
    """Fine-tune on the labels; writes and returns `teacher.keras`."""
    output, curve = job.folder / "teacher.keras", job.folder / "teacher.loss.json"
    settings = ["teacher", "finetune", "augment"]

    def action(stem: Path) -> None:
        from alzedge.teacher.finetune import finetune
        from alzedge.teacher.keras_file import load_model, save_model
        from alzedge.teacher.training.tracking import recorded

        encoder, record = load_model(pretrained)
        wandb_name = f"{job.title}-finetune" if resources.wandb else None
        with (
            on_phase(f"{job.title}: teacher fine-tuning") as show,
            recorded(job.folder / "events" / "finetune", show, wandb_name) as on_step,
        ):
            model, history = finetune(
                encoder,
                job.training_inputs(),
                job.training_labels(),
                job.recipe,
                stem.with_suffix(".npz"),
                on_step,
                people=job.training_people(),
                devices=resources.devices,
            )
        save_model(model, output, make_record("teacher", job.recipe.preprocessing, **job.provenance(settings, record)))
        write_json(curve, history)

    job.perform("finetune", settings, [pretrained], [output, curve], action)
    return output
