"""The model card: a README for people, with the front matter that the Hugging Face Hub reads.

`alzedge.export.hub.card_tables` has its tables, `alzedge.export.hub.card_text` what it says of data, limits and cost,
`alzedge.export.hub.card_usage` how to load the model and whom to cite.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from alzedge.errors import UserError
from alzedge.export.benchmark.tables import markdown_table
from alzedge.export.hub.card_tables import figure_sections, figure_title
from alzedge.export.hub.card_text import (
    KAGGLE,
    cost,
    data_section,
    intended_use,
    is_kaggle,
    leakage,
    limits,
    soft_targets,
    taught_by_fluid,
)
from alzedge.export.hub.card_usage import citation, usage
from alzedge.export.report.tables import split_title
from alzedge.imaging.preprocessing import Preprocessing
from alzedge.metrics.classification import summary
from alzedge.metrics.tasks import STAGES4, TASKS
from alzedge.model_file.read_write import Record, read_record
from alzedge.stages import CDR, DISCLAIMER, STAGES, TITLES

PICTURES = {"accuracy_latency.png": "Accuracy against latency", "confusion.png": "Confusion matrices"}
_LIBRARIES = {".tflite": "litert", ".onnx": "onnx", ".keras": "keras"}
_TAGS = ("medical-imaging", "mri", "dementia", "simclr", "knowledge-distillation", "not-a-medical-device")


def model_card(model: Path, benchmark: dict[str, Any] | None = None, pictures: Sequence[str] = ()) -> str:
    """Write the card of a model file.

    Every figure comes from the file's own record or from `benchmark.json`; what neither has is said to be unknown.

    Args:
        model: `.tflite`, `.onnx` or `.keras` file of ours.
        benchmark: content of `benchmark.json`; without it there are no figures per class and none of speed.
        pictures: names in `PICTURES` that lie beside the card.

    Returns:
        Markdown with the Hub's YAML front matter.

    Raises:
        UserError: not a model file of ours, a benchmark of another file, or no figures in either.
    """
    record = read_record(model)
    measured = (benchmark or {}).get("models", {}).get(model.name)
    if benchmark is not None and (measured is None or measured["bytes"] != model.stat().st_size):
        raise UserError(f"The benchmark given is not of {model}; name the benchmark.json that was made with it.")
    record["metrics"] = record.get("metrics") or _benchmark_metrics(model, benchmark)
    data = ModelCardData(
        license=record["licence"].lower(),
        library_name=_LIBRARIES.get(model.suffix),
        pipeline_tag="image-classification",
        tags=[*([model.suffix[1:]] if model.suffix else []), *_TAGS],
        datasets=[KAGGLE] if is_kaggle(record) else None,
        model_name=model.stem,
        eval_results=_eval_results(record),
    )
    return str(ModelCard(f"---\n{data.to_yaml()}\n---\n\n{_body(model, record, benchmark, pictures)}"))


def find_benchmark(model: Path) -> Path | None:
    """The `benchmark.json` beside a model file, if it measured that very file."""
    path = model.parent / "benchmark.json"
    if not path.is_file():
        return None
    measured = read_benchmark(path)["models"].get(model.name)
    return path if measured and measured["bytes"] == model.stat().st_size else None


def read_benchmark(path: Path) -> dict[str, Any]:
    """Content of a `benchmark.json`.

    Raises:
        UserError: missing, or something else.
    """
    try:
        found: dict[str, Any] = json.loads(path.read_text())
        if all(isinstance(found[name], dict) for name in ("models", "splits")):
            return found
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        pass
    raise UserError(f"{path} is no benchmark.json; name the one that `alzedge run` or `alzedge benchmark` wrote.")


def _benchmark_metrics(model: Path, benchmark: dict[str, Any] | None) -> dict[str, Any]:
    """The benchmark's figures in the form that a released file carries them."""
    if benchmark is None or not benchmark["splits"]:
        raise UserError(
            f"{model} carries no figures, and a card without figures would say nothing; give --benchmark with what "
            "`alzedge benchmark` wrote of it."
        )
    kept = ("description", "unseen_people", "floors")
    return {
        name: {key: found[key] for key in kept} | {"measured_on": "this model"} | summary(found["models"][model.name])
        for name, found in benchmark["splits"].items()
    }


def _eval_results(record: Record) -> list[EvalResult]:
    name = record["dataset"]["name"]
    return [
        EvalResult(
            task_type="image-classification",
            dataset_type=KAGGLE if is_kaggle(record) else "custom",
            dataset_name=f"{name} ({split_title(split)}, per {level})",
            dataset_split="test",
            dataset_config=f"{split}-{level}",  # results of one configuration are merged
            metric_type=figure if task is STAGES4 else f"{task.name}_{figure}",
            metric_name=f"{figure_title(task, figure)} ({found['measured_on']})",
            metric_value=round(found[level][task.name][figure]["value"], 4),
        )
        for split, found in record["metrics"].items()
        for level in ("slice", "person")
        if level in found
        for task in TASKS
        for figure in task.summary
        if found[level][task.name][figure] is not None
    ]


def _body(model: Path, record: Record, benchmark: dict[str, Any] | None, pictures: Sequence[str]) -> str:
    stages = [f"{i}. `{stage}`: {TITLES[i].lower()} (CDR {CDR[i]:g})" for i, stage in enumerate(STAGES)]
    sections = {
        "Intended use": intended_use(record),
        "Data": data_section(record),
        "Leakage": leakage(record, benchmark, model.name),
        "Figures": figure_sections(record, benchmark, model.name),
        "Size and speed": _speed(model, benchmark),
        "Limits": limits(record, benchmark, model.name),
        "Environmental cost": cost(benchmark),
        "How to load it": usage(model, record),
        "Training": f"{_network(record)}\n\n```json\n{json.dumps(record['recipe'], indent=1)}\n```",
        "Citation": citation(record),
    }
    shown = [f"![{PICTURES[name]}]({name})" for name in pictures]
    body = "\n\n".join(f"## {title}\n\n{text}" for title, text in sections.items() if text)
    opening = f"# AlzEdge {model.stem}\n\n> **{DISCLAIMER}**\n\n{_opening(record)}\n\n" + "\n".join(stages)
    return "\n\n".join([opening, *shown, body]) + "\n"


def _opening(record: Record) -> str:
    kind = record["kind"]
    what = "A ResNet teacher in the manner of SimCLRv2"
    if kind.startswith("student"):
        what = "A student of three convolutions, distilled from a ResNet teacher in the manner of SimCLRv2"
        what += ", from a regression on each person's share of fluid" if taught_by_fluid(record) else ""
        what += " and quantized to whole numbers" if "int8" in kind else ""
    return (
        f"{what}. It gives the probabilities of four stages of dementia for one skull-stripped axial T1 slice, 176 wide and "
        f"208 high, 8-bit grey. Made with AlzEdge {record['alzedge']}; the file's record says `{kind}`."
    )


def _network(record: Record) -> str:
    preprocessing = Preprocessing.from_dict(record["preprocessing"])
    rows, columns, _ = preprocessing.input_shape
    greys = ", by the record's table `lookup` of greys" if "lookup" in record["preprocessing"] else ""
    steps = (
        f"{', '.join(preprocessing.steps)} (see `alzedge.imaging.steps`){greys}; then " if preprocessing.steps else ""
    )
    side = preprocessing.shrink
    means = f"rounded means of blocks of {side} x {side} pixels" if side > 1 else "no shrinking"
    scaled = f"{rows} x {columns}, divided by {record['preprocessing']['divide_by']}"
    start = record["recipe"].get("init")
    start = (
        f"Fine-tuning began with the public checkpoint `{start['checkpoint']}` ({start['network']}, SHA-256 "
        f"`{start['sha256']}`)."
        if start
        else "No public weights: the teacher was pre-trained on the training images alone, so no model of the Hub is its base."
    )
    return (
        f"Preprocessing: {steps}{means}, to {scaled}. {start} {soft_targets(record)}The recipe, as the file carries it:"
    )


def _speed(model: Path, benchmark: dict[str, Any] | None) -> str:
    if benchmark is None:
        return (
            f"The file has {model.stat().st_size:,} bytes. Its speed was not measured for this card; `alzedge benchmark` "
            "measures it."
        )
    where = f"Measured on {benchmark['machine']}, Python {benchmark['python']}, not on a phone or a Raspberry Pi."
    return f"{where}\n\n{markdown_table(benchmark)}"
