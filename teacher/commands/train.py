"""`alzedge train`."""

from pathlib import Path

import click

from alzedge.commands.data_sets import fit_to_data, load_source
from alzedge.commands.options import (
    DATA_HELP,
    data_argument,
    next_command,
    out_option,
    output_folder,
    recipe_option,
    seed_option,
    split_option,
)

_OUT = "runs/DATA-teacher"


@click.command("train", epilog=DATA_HELP)
@data_argument
@out_option(_OUT)
@recipe_option
@seed_option
@split_option("What to train on. Default: people of the recipe's fold held out, where people are known.")
@click.option(
    "--init",
    metavar="CHECKPOINT",
    help="Begin with a public SimCLRv2 checkpoint instead of pre-training: a folder, an archive, a gs:// or https:// "
    "address. Depth, width and selective kernels are read off it.",
)
@click.option("--devices", type=click.IntRange(1), default=1, help="Share each batch among so many GPUs (or CPUs).")
@click.option("--wandb", is_flag=True, help="Keep curves for Weights & Biases, too; offline unless WANDB_MODE=online.")
def train_command(
    data: tuple[str, ...],
    out: Path | None,
    recipe_name: str | None,
    seed: int | None,
    split: str | None,
    init: str | None,
    devices: int,
    wandb: bool,
) -> None:
    """Pre-train and fine-tune a teacher on DATA.

    A SimCLRv2 ResNet learns from pairs of views without labels (NT-Xent), then from the
    labels. Writes OUT/pretrained.keras, OUT/teacher.keras and curves for TensorBoard in OUT/events. Killed or interrupted, the
    same command goes on from the last finished epoch.

    \b
    alzedge train archive.zip
    alzedge train archive.zip --recipe mine.toml --split official --seed 1
    alzedge train archive.zip --init simclrv2/pretrained/r50_1x_sk0
    """
    from alzedge.utils.extras import require

    require("train")
    folder = output_folder(out, _OUT, data)
    source = fit_to_data(load_source(data, recipe_name, seed))

    from alzedge.commands.progress_bars import show_steps
    from alzedge.data.dataset import available_splits, split_dataset
    from alzedge.runs.run_folder import open_run_folder
    from alzedge.runs.split_run import make_split_run, run_identity
    from alzedge.teacher.phases import Resources, finetune_phase, init_phase, pretrain_phase

    chosen = split_dataset(source.dataset, split or available_splits(source.dataset)[-1], source.recipe.fold)
    identity = run_identity(source.dataset, source.recipe, chosen.name)
    resources = Resources(devices, wandb)
    if init is None:
        split_run = make_split_run(open_run_folder(folder, identity), folder, source.dataset, source.recipe, chosen)
        pretrained = pretrain_phase(split_run, resources, show_steps)
    else:
        from alzedge.teacher.simclrv2.init import read_start

        start = read_start(init)
        recipe = start.recipe(source.recipe)
        click.echo(f"{init}: {start.architecture.name}, instead of the recipe's teacher")
        run_folder = open_run_folder(folder, identity | {"init": start.sha256[:16]})
        split_run = make_split_run(run_folder, folder, source.dataset, recipe, chosen)
        pretrained = init_phase(split_run, start)
    teacher = finetune_phase(split_run, pretrained, resources, show_steps)
    click.echo(f"wrote {teacher}\nnext: {next_command('distill', teacher, *data, recipe_name=recipe_name, seed=seed)}")
