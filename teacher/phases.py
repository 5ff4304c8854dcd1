"""Phases of a run that make the teacher, from files to files."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from alzedge.model_file.read_write import ModelKind, Role, make_record
from alzedge.runs.split_run import SplitRun
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


def pretrain_phase(split_run: SplitRun, resources: Resources = _DEFAULT, on_phase: OnPhase = quiet_phase) -> Path:
    """Pre-train on pairs of views; writes and returns `pretrained.keras`."""
    output, curve = split_run.folder / "pretrained.keras", split_run.folder / "pretrained.loss.json"
    settings = ["teacher", "pretrain", "augment"]

    def action(stem: Path) -> None:
        from alzedge.teacher.keras_file import save_model
        from alzedge.teacher.pretrain import pretrain
        from alzedge.teacher.training.tracking import recorded

        wandb_name = f"{split_run.title}-pretrain" if resources.wandb else None
        with (
            on_phase(f"{split_run.title}: teacher pre-training") as show,
            recorded(split_run.folder / "events" / "pretrain", show, wandb_name) as on_step,
        ):
            model, history = pretrain(
                split_run.training_inputs(),
                split_run.recipe,
                stem.with_suffix(".npz"),
                on_step,
                people=split_run.training_people(),
                places=split_run.dataset.slice[split_run.split.train],
                devices=resources.devices,
            )
        save_model(
            model,
            output,
            make_record(ModelKind(Role.PRETRAINED), split_run.recipe.preprocessing, **split_run.provenance(settings)),
        )
        write_json(curve, history)

    split_run.perform("pretrain", settings, split_run.recipe.teacher.weights_files(), [output, curve], action)
    return output


def init_phase(split_run: SplitRun, start: "Start") -> Path:
    """Take over a public checkpoint instead of pre-training; writes and returns `pretrained.keras`."""
    output = split_run.folder / "pretrained.keras"
    settings = ["teacher"]

    def action(stem: Path) -> None:
        from alzedge.teacher.keras_file import save_model
        from alzedge.teacher.simclrv2.load import load_pretrained

        model = load_pretrained(start.variables, split_run.recipe.preprocessing.input_shape)
        provenance = split_run.provenance(settings)
        provenance["recipe"]["init"] = start.describe()
        save_model(model, output, make_record(ModelKind(Role.PRETRAINED), split_run.recipe.preprocessing, **provenance))

    split_run.perform("init", settings, [], [output], action)
    return output


def finetune_phase(
    split_run: SplitRun, pretrained: Path, resources: Resources = _DEFAULT, on_phase: OnPhase = quiet_phase
) -> Path:
    """Fine-tune on the labels; writes and returns `teacher.keras`."""
    output, curve = split_run.folder / "teacher.keras", split_run.folder / "teacher.loss.json"
    settings = ["teacher", "finetune", "measures", "augment"]

    def action(stem: Path) -> None:
        from alzedge.teacher.finetune import finetune
        from alzedge.teacher.keras_file import load_model, save_model
        from alzedge.teacher.training.tracking import recorded

        encoder, record = load_model(pretrained)
        wandb_name = f"{split_run.title}-finetune" if resources.wandb else None
        with (
            on_phase(f"{split_run.title}: teacher fine-tuning") as show,
            recorded(split_run.folder / "events" / "finetune", show, wandb_name) as on_step,
        ):
            model, history = finetune(
                encoder,
                split_run.training_inputs(),
                split_run.training_labels(),
                split_run.recipe,
                stem.with_suffix(".npz"),
                on_step,
                people=split_run.training_people(),
                devices=resources.devices,
                truths=split_run.training_truths(),
            )
        save_model(
            model,
            output,
            make_record(
                ModelKind(Role.TEACHER), split_run.recipe.preprocessing, **split_run.provenance(settings, record)
            ),
        )
        write_json(curve, history)

    split_run.perform("finetune", settings, [pretrained], [output, curve], action)
    return output
