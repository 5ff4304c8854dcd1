"""The teacher's phases of a run, from files to files."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from alzedge.commands.progress_bars import show_steps
from alzedge.model_file.read_write import make_record
from alzedge.runs.split_run import Job
from alzedge.utils.files import write_json

if TYPE_CHECKING:
    from alzedge.teacher.simclrv2.init import Start


@dataclass(frozen=True)
class Means:
    """What a training is done with; its result is the same but for rounding.

    Attributes:
        devices: how many share each batch.
        wandb: whether Weights & Biases keeps the curve, too.
    """

    devices: int = 1
    wandb: bool = False


_DEFAULT = Means()


def pretrain_phase(job: Job, means: Means = _DEFAULT) -> Path:
    """Contrastive pre-training; writes and returns `pretrained.keras`."""
    output, curve = job.folder / "pretrained.keras", job.folder / "pretrained.loss.json"
    settings = ["teacher", "pretrain", "augment"]

    def action(stem: Path) -> None:
        from alzedge.teacher.keras_file import save_model
        from alzedge.teacher.pretrain import pretrain
        from alzedge.teacher.training.tracking import recorded

        wandb_name = f"{job.title}-pretrain" if means.wandb else None
        with (
            show_steps(f"{job.title}: teacher pre-training") as show,
            recorded(job.folder / "events" / "pretrain", show, wandb_name) as on_step,
        ):
            model, history = pretrain(
                job.training_inputs(),
                job.recipe,
                stem.with_suffix(".npz"),
                on_step,
                people=job.training_people(),
                places=job.dataset.slice[job.split.train],
                devices=means.devices,
            )
        save_model(model, output, make_record("pretrained", job.recipe.preprocessing, **job.provenance(settings)))
        write_json(curve, history)

    job.perform("pretrain", settings, job.recipe.teacher.weights_files(), [output, curve], action)
    return output


def init_phase(job: Job, start: "Start") -> Path:
    """Takes a public checkpoint over instead of pre-training; writes and returns `pretrained.keras`."""
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


def finetune_phase(job: Job, pretrained: Path, means: Means = _DEFAULT) -> Path:
    """Fine-tuning on the labels; writes and returns `teacher.keras`."""
    output, curve = job.folder / "teacher.keras", job.folder / "teacher.loss.json"
    settings = ["teacher", "finetune", "augment"]

    def action(stem: Path) -> None:
        from alzedge.teacher.finetune import finetune
        from alzedge.teacher.keras_file import load_model, save_model
        from alzedge.teacher.training.tracking import recorded

        encoder, record = load_model(pretrained)
        wandb_name = f"{job.title}-finetune" if means.wandb else None
        with (
            show_steps(f"{job.title}: teacher fine-tuning") as show,
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
                devices=means.devices,
            )
        save_model(model, output, make_record("teacher", job.recipe.preprocessing, **job.provenance(settings, record)))
        write_json(curve, history)

    job.perform("finetune", settings, [pretrained], [output, curve], action)
    return output
