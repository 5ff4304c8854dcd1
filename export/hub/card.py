"""The model card: a README for people, with the front matter that the Hugging Face Hub reads.

`alzedge.export.hub.card_tables` has its tables, `alzedge.export.hub.card_text` what it says of data, limits and cost,
`alzedge.export.hub.card_people` what it says of people, `alzedge.export.hub.card_measures` of what is measured, `alzedge.export.hub.card_standards` the fields of reporting standards,
`alzedge.export.hub.card_usage` how to load the model, and its citations.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from alzedge.errors import UserError
from alzedge.export.benchmark.results import Benchmark, read_benchmark
from alzedge.export.benchmark.tables import markdown_table
from alzedge.export.hub.card_measures import measures_section
from alzedge.export.hub.card_people import (
    acknowledgement,
    is_oasis,
    people_section,
    reference_standard,
    scanner,
    subgroups,
)
from alzedge.export.hub.card_standards import standards
from alzedge.export.hub.card_tables import figure_sections, figure_title
from alzedge.export.hub.card_text import (
    KAGGLE,
    cost,
    data_section,
    intended_use,
    is_kaggle,
    leakage,
    limits,
    opening,
    soft_targets,
    taught_by_truth,
)
from alzedge.export.hub.card_usage import citation, usage
from alzedge.export.report.tables import split_title
from alzedge.imaging.preprocessing import Preprocessing
from alzedge.inference.measures.demographics import Coding
from alzedge.metrics.split_evaluation import Quote, SplitEvaluation, quote, reading
from alzedge.metrics.tasks import STAGES4, TASKS
from alzedge.model_file.read_write import Record, Role, kind_of, read_record
from alzedge.stages import CDR, DISCLAIMER, STAGES, TITLES
from alzedge.utils.parsing import parsing

PICTURES = {"accuracy_latency.png": "Accuracy against latency", "confusion.png": "Confusion matrices"}
_LIBRARIES = {".tflite": "litert", ".onnx": "onnx", ".keras": "keras"}
_TAGS = ("medical-imaging", "mri", "dementia", "simclr", "not-a-medical-device")
_DISTILLED = "knowledge-distillation"


def model_card(
    model: Path,
    benchmark: Benchmark | None = None,
    pictures: Sequence[str] = (),
    evaluation: Mapping[str, SplitEvaluation] | None = None,
) -> str:
    """Write the card of a model file.

    Every figure comes from the file's own record, from `benchmark.json` or from `metrics.json`; what none has is said to be
    unknown.

    Args:
        model: `.tflite`, `.onnx` or `.keras` file of ours.
        benchmark: of the file; without it there are no figures per class and none of speed.
        pictures: names in `PICTURES` that lie beside the card.
        evaluation: by split, of this file or of the cross-validation it quotes, for people, groups and what is measured.

    Returns:
        Markdown with the Hub's YAML front matter.

    Raises:
        UserError: not a model file of ours, a benchmark of another file, or no figures in either.
    """
    record = read_record(model)
    if benchmark is not None and not _measured(benchmark, model):
        raise UserError(f"The benchmark given is not of {model}; name the benchmark.json that was made with it.")
    with parsing(f"{model}: its record lacks what a card must say", "export it again."):
        quotes = read_quotes(model, record) or _quote_benchmark(model, benchmark)
        data = ModelCardData(
            license=record["licence"].lower(),
            library_name=_LIBRARIES.get(model.suffix.lower()),
            pipeline_tag="image-classification",
            tags=_tags(model, record),
            datasets=[KAGGLE] if is_kaggle(record) else None,
            model_name=model.stem,
            eval_results=_eval_results(record, quotes),
        )
        splits = {**(benchmark.splits if benchmark else {}), **(evaluation or {})}
        return str(
            ModelCard(f"---\n{data.to_yaml()}\n---\n\n{_body(model, record, quotes, benchmark, pictures, splits)}")
        )


def find_benchmark(model: Path) -> Path | None:
    """The `benchmark.json` beside a model file, if it measured that very file."""
    path = model.parent / "benchmark.json"
    return path if path.is_file() and _measured(read_benchmark(path), model) else None


def _measured(benchmark: Benchmark, model: Path) -> bool:
    """True when a benchmark measured a file of this name and size."""
    measured = benchmark.models.get(model.name)
    return measured is not None and measured.footprint.bytes == model.stat().st_size


def read_quotes(model: Path, record: Record) -> dict[str, Quote]:
    """Read the figures that a model file carries, by split; empty where it carries none.

    Raises:
        UserError: the record's `metrics` are something else.
    """
    with reading(model, "model file with figures that this AlzEdge can read", "export it again"):
        return {split: Quote.from_json(content) for split, content in (record.get("metrics") or {}).items()}


def _quote_benchmark(model: Path, benchmark: Benchmark | None) -> dict[str, Quote]:
    """The benchmark's figures in the form that a released file carries them."""
    if benchmark is None or not benchmark.splits:
        raise UserError(
            f"{model} carries no figures, and a card without figures would say nothing; give --benchmark with what "
            "`alzedge benchmark` wrote of it."
        )
    return {name: quote(evaluated, model.name, "this model") for name, evaluated in benchmark.splits.items()}


def _eval_results(record: Record, quotes: Mapping[str, Quote]) -> list[EvalResult]:
    name = record["dataset"]["name"]
    return [
        EvalResult(
            task_type="image-classification",
            dataset_type=KAGGLE if is_kaggle(record) else "custom",
            dataset_name=f"{name} ({split_title(split)}, per {level})",
            dataset_split="test",
            dataset_config=f"{split}-{level}",  # results of one configuration are merged
            metric_type=figure if task is STAGES4 else f"{task.name}_{figure}",
            metric_name=f"{figure_title(task, figure)} ({quoted.measured_on})",
            metric_value=round(estimate.value, 4),
        )
        for split, quoted in quotes.items()
        for level, figures in quoted.summary.levels.items()
        for task in TASKS
        for figure in task.summary
        if (estimate := figures.figure(task, figure)) is not None
    ]


def _body(
    model: Path,
    record: Record,
    quotes: Mapping[str, Quote],
    benchmark: Benchmark | None,
    pictures: Sequence[str],
    splits: Mapping[str, SplitEvaluation],
) -> str:
    oasis = is_oasis(record, splits)
    stages = [f"{i}. `{stage}`: {TITLES[i].lower()} (CDR {CDR[i]:g})" for i, stage in enumerate(STAGES)]
    sections = {
        "Intended use": intended_use(record),
        "Data": data_section(record),
        "People": "" if record["dataset"]["synthetic"] else people_section(record, splits),
        "Reference standard": "" if record["dataset"]["synthetic"] else reference_standard(oasis),
        "Scanner": "" if record["dataset"]["synthetic"] else scanner(oasis),
        "Leakage": leakage(record, quotes, benchmark, model.name),
        "Figures": figure_sections(record, quotes, benchmark, model.name),
        "What it measures": measures_section(record),
        "Figures by age and sex": subgroups(record, splits, (model.name, f"{model.stem}.csv")),
        "Size and speed": _speed(model, benchmark),
        "Limits": limits(record, benchmark, model.name),
        "Reporting standards": standards(record, oasis, splits),
        "Environmental cost": cost(benchmark),
        "How to load it": usage(model, record),
        "Training": f"{_network(record)}\n\n```json\n{json.dumps(record['recipe'], indent=1)}\n```",
        "Acknowledgement": acknowledgement(oasis),
        "Citation": citation(record),
    }
    shown = [f"![{PICTURES[name]}]({name})" for name in pictures]
    body = "\n\n".join(f"## {title}\n\n{text}" for title, text in sections.items() if text)
    head = f"# AlzEdge {model.stem}\n\n> **{DISCLAIMER}**\n\n{opening(record)}\n\n" + "\n".join(stages)
    return "\n\n".join([head, *shown, body]) + "\n"


def _tags(model: Path, record: Record) -> list[str]:
    library = [model.suffix[1:].lower()] if model.suffix else []
    distilled = kind_of(record).role is Role.STUDENT and not taught_by_truth(record)
    return [*library, *_TAGS, *([_DISTILLED] if distilled else [])]


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
        f"Preprocessing: {steps}{means}, to {scaled}. {_told(record)}{start} {soft_targets(record)}The recipe, as the file "
        "carries it:"
    )


def _told(record: Record) -> str:
    """A sentence on age and sex as a second input; empty for a model of the image alone."""
    coding = Coding.read(record)
    if coding is None:
        return ""
    return (
        "The input `demographics` holds age and sex, float32 (1, 4): (years - "
        f"{coding.mean:g}) / {coding.deviation:g} of {coding.youngest:g} to {coding.oldest:g} years, 1 where the age is known, 1 "
        "for a woman, 1 for a man; all 0 where nothing is known. It reaches the stages alone: brain volume and apparent age "
        "are of the image. "
    )


def _speed(model: Path, benchmark: Benchmark | None) -> str:
    if benchmark is None:
        return (
            f"The file has {model.stat().st_size:,} bytes. Its speed was not measured for this card; `alzedge benchmark` "
            "measures it."
        )
    where = f"Measured on {benchmark.machine}, Python {benchmark.python}, not on a phone or a Raspberry Pi."
    return f"{where}\n\n{markdown_table(benchmark)}"
