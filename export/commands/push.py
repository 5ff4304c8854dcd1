"""`alzedge push`."""

import os
import sys
from pathlib import Path

import click

from alzedge.errors import UserError


@click.command("push")
@click.argument("repository", metavar="OWNER/NAME")
@click.argument("source", required=False, type=click.Path(path_type=Path))
@click.option("--space", is_flag=True, help="SOURCE is a folder made by `alzedge space build`; upload it as a Space.")
@click.option("--public", is_flag=True, help="Make a new repository public. Default: private.")
@click.option("--dry-run", is_flag=True, help="Only show what would be uploaded; needs no network and no token.")
def push_command(repository: str, source: Path | None, space: bool, public: bool, dry_run: bool) -> None:
    """Publish a model, or the page, on the Hugging Face Hub.

    SOURCE is the folder of a run, or a file student_int8.tflite; without it, the bundled student. Its models, card,
    figures and plots go into one commit of the model repository OWNER/NAME, which is private unless --public says
    otherwise. Images and data never do: a folder that holds any is refused, and what else lies in it stays here.

    Interrupted, the same command goes on; repeated, it changes nothing. The token is the one of `hf auth login`, or HF_TOKEN.

    \b
    alzedge push owner/name runs/archive --dry-run
    alzedge push owner/page page --space
    """
    from alzedge.inference.hub import is_name
    from alzedge.utils.extras import require

    require("hub")
    if not is_name(repository):
        raise UserError(f"{repository!r} is not the name of a repository; give it as OWNER/NAME.")
    if space and source is None:
        raise UserError("--space needs the folder of a Space; make one with `alzedge space build page`.")
    if not sys.stderr.isatty():
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")  # read when the client is imported
    from alzedge.export.hub.plan import plan_model
    from alzedge.export.hub.plan_space import plan_space
    from alzedge.export.hub.upload import upload
    from alzedge.model_file.bundled import bundled_model

    plan = plan_space(source) if space and source else plan_model(source or bundled_model().parent)
    if dry_run:
        seen = "public" if public else "private"
        click.echo(
            f"would upload to {repository} (a {plan.kind}, {seen} unless it exists), in one commit:\n{plan.text()}"
        )
        return
    sent = upload(plan, repository, public)
    click.echo(plan.text())
    seen = "private" if sent.private else "public"
    what = "uploaded" if sent.changed else "nothing has changed in"
    click.echo(f"{what} {sent.url} ({seen}), commit {sent.commit[:12]}")
