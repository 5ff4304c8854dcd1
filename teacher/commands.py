"""`alzedge train`."""

from pathlib import Path

import click

from alzedge.options import DATA_HELP, command_name, load_source, out_option, recipe_option, seed_option, split_option


@click.command("train", epilog=DATA_HELP)
@click.argument("data", default="phantoms")
@out_option("runs/DATA-teacher")
@recipe_option
@seed_option
@split_option("What to train on. Default: people of the recipe's fold held out, where people are known.")
def train_command(data: str, out: Path, recipe_name: str | None, seed: int | None, split: str | None) -> None:
    """Pre-train and fine-tune a teacher on DATA.

    A SimCLRv2 ResNet learns from pairs of views without labels (NT-Xent), then from the
    labels. Writes OUT/pretrained.keras and OUT/teacher.keras. Killed or interrupted, the
    same command goes on from the last finished epoch.

    \b
    alzedge train archive.zip
    alzedge train archive.zip --recipe mine.toml --split official --seed 1
    """
    from alzedge.dataset import available_splits
    from alzedge.extras import require
    from alzedge.job import make_job, run_identity
    from alzedge.ledger import open_ledger
    from alzedge.teacher.phases import finetune_phase, pretrain_phase

    require("train")
    source = load_source(data, recipe_name, seed)
    chosen = split or available_splits(source.dataset)[-1]
    ledger = open_ledger(out, run_identity(source.dataset, source.recipe, chosen))
    job = make_job(ledger, out, source.dataset, source.recipe, chosen)
    teacher = finetune_phase(job, pretrain_phase(job))
    click.echo(f"wrote {teacher}\nnext: {command_name()} distill {teacher} {data}")
