"""The teacher's phases of a run, from files to files."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from alzedge.commands.progress_bars import show_steps
from alzedge.model_file.read_write import ModelKind, Role, make_record
from alzedge.runs.split_run import SplitRun
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


def pretrain_phase(split_run: SplitRun, means: Means = _DEFAULT) -> Path:
    """Contrastive pre-training; writes and returns `pretrained.keras`."""
    output, curve = split_run.folder / "pretrained.keras", split_run.folder / "pretrained.loss.json"
    settings = ["teacher", "pretrain", "augment"]

    def action(stem: Path) -> None:
        from alzedge.teacher.keras_file import save_model
        from alzedge.teacher.pretrain import pretrain
        from alzedge.teacher.training.tracking import recorded

        wandb_name = f"{split_run.title}-pretrain" if means.wandb else None
        with (
            show_steps(f"{split_run.title}: teacher pre-training") as show,
            recorded(split_run.folder / "events" / "pretrain", show, wandb_name) as on_step,
        ):
            model, history = pretrain(
                split_run.training_inputs(),
                split_run.recipe,
                stem.with_suffix(".npz"),
                on_step,
                people=split_run.training_people(),
                places=split_run.dataset.slice[split_run.split.train],
                devices=means.devices,
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
    """Takes a public checkpoint over instead of pre-training; writes and returns `pretrained.keras`."""
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


def finetune_phase(split_run: SplitRun, pretrained: Path, means: Means = _DEFAULT) -> Path:
    """Fine-tuning on the labels; writes and returns `teacher.keras`."""
    output, curve = split_run.folder / "teacher.keras", split_run.folder / "teacher.loss.json"
    settings = ["teacher", "finetune", "augment"]

    def action(stem: Path) -> None:
        from alzedge.teacher.finetune import finetune
        from alzedge.teacher.keras_file import load_model, save_model
        from alzedge.teacher.training.tracking import recorded

        encoder, record = load_model(pretrained)
        wandb_name = f"{split_run.title}-finetune" if means.wandb else None
        with (
            show_steps(f"{split_run.title}: teacher fine-tuning") as show,
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
                devices=means.devices,
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
