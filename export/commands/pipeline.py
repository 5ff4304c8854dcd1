"""`alzedge pipeline`."""

from pathlib import Path

import click

from alzedge.commands.data_sets import check_data, fit_to_data, load_source, read_data
from alzedge.commands.options import DATA_HELP, data_argument, out_option, output_folder, recipe_option, seed_option
from alzedge.errors import UserError
from alzedge.export.commands.gate import limit_options
from alzedge.export.evaluate.gate.settings import GateSettings

_IMAGE = "alzedge:latest"


@click.group("pipeline")
def pipeline_command() -> None:
    """Ingest, stats, validate, train, evaluate, gate and push, here or on a cluster.

    \b
    alzedge pipeline run
    alzedge pipeline compile alzedge.yaml
    """


@pipeline_command.command("run", epilog=DATA_HELP)
@data_argument
@out_option("runs/DATA-pipeline")
@click.option(
    "--registry", metavar="DIR|URI", help="Registry to compare with and push to.  [default: alzedge-registry]"
)
@click.option(
    "--schema",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Schema that the data must fit, by `alzedge schema`. Without it one is inferred and written into OUT, to be edited.",
)
@click.option(
    "--trained-on",
    multiple=True,
    metavar="DATA",
    help="Data that the champion was trained on, where that is other data: people found there are left out.",
)
@click.option("--sign", "signed_by", default="", metavar="NAME", help="Who answers for the gate's decision.")
@limit_options
@recipe_option
@seed_option
def run_command(
    data: tuple[str, ...],
    out: Path | None,
    registry: str | None,
    schema: Path | None,
    trained_on: tuple[str, ...],
    signed_by: str,
    recipe_name: str | None,
    seed: int | None,
    **limits: float,
) -> int:
    """Run the pipeline here, from DATA to a champion in the registry.

    A step that is done in OUT is not done again unless its inputs changed; killed or interrupted, the same command goes on.
    Data that do not fit the schema, and a model that the gate does not bless, end it: nothing is pushed.

    Exit codes as those of `alzedge gate`: 0 blessed and pushed, 3 refused, 4 cannot tell, 2 bad input.

    \b
    alzedge pipeline run                                     built-in phantoms, minutes
    alzedge pipeline run archive.zip --schema schema.pbtxt --sign "A. Smith"
    """
    from alzedge.model_file.registry.location import locate
    from alzedge.model_file.registry.versions import check_usable
    from alzedge.utils.archives import check_source
    from alzedge.utils.extras import require

    check_data(data)
    if schema is not None and not schema.is_file():
        raise UserError(f"{schema}: no such file; name a schema written by `alzedge schema`.")
    for one in trained_on:
        check_source(Path(one))
    require("export")
    require("mlops")
    location = locate(registry)
    check_usable(location)
    folder = output_folder(out, "runs/DATA-pipeline", data)
    source = fit_to_data(load_source(data, recipe_name, seed))
    known = tuple(read_data([one]) for one in trained_on)

    from alzedge.commands.progress_bars import show_steps
    from alzedge.export.evaluate.gate.text import decision_text
    from alzedge.export.experiments.lifecycle.opening import Opened
    from alzedge.export.experiments.lifecycle.run import LifecycleSettings, run_lifecycle
    from alzedge.model_file.decision import EXIT_CODES

    settings = LifecycleSettings(location, schema, GateSettings(**limits), known, signed_by)  # type: ignore[arg-type]
    result = run_lifecycle(Opened(source.dataset, source.recipe), settings, folder, show_steps)
    if result.decision is not None:
        click.echo(f"\n{decision_text(result.decision)}")
    serves = "nothing serves" if result.champion is None else f"version {result.champion} serves"
    click.echo(
        f"\n{result.outcome}: {serves} in {location.name}; wrote {folder}: {result.candidate.name}, decision.json"
    )
    return EXIT_CODES[result.outcome]


@pipeline_command.command("compile")
@click.argument("out", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--to", "target", type=click.Choice(["kfp"]), default="kfp", show_default=True, help="Kind of cluster.")
@click.option("--image", default=_IMAGE, show_default=True, help="Container with alzedge[export,mlops,kfp].")
@click.option(
    "--data", default="phantoms", show_default=True, help="Default of the parameter `data`, paths between blanks."
)
@click.option("--people", default="", help="Default of the parameter `people`: OASIS-1's table.")
@click.option("--recipe", default="", help="Default of the parameter `recipe`.")
@click.option("--registry", default="alzedge-registry", show_default=True, help="Default of the parameter `registry`.")
def compile_command(out: Path, target: str, image: str, data: str, people: str, recipe: str, registry: str) -> None:
    """Compile the pipeline to OUT.yaml for Kubeflow Pipelines v2; needs `pip install 'alzedge[kfp]'`, no TensorFlow.

    \b
    alzedge pipeline compile alzedge.yaml --image registry.local/alzedge:0.2 --registry http://mlflow:5000
    """
    from alzedge.utils.extras import require

    if out.suffix not in (".yaml", ".yml"):
        raise UserError(f"{out}: Kubeflow Pipelines reads YAML; name a file that ends with .yaml.")
    require("kfp")

    from alzedge.export.experiments.lifecycle.kubeflow import Compiled, compile_pipeline

    compile_pipeline(Compiled(image, data, people, recipe, registry), out)
    click.echo(f"wrote {out}: parameters data, people, recipe, seed, schema, registry, trained_on, signed_by")
