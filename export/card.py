"""The model card of a run, for people and for the Hugging Face Hub."""

import json
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from alzedge.export.table import markdown_table, split_title
from alzedge.modelfile import Record, read_record
from alzedge.preprocessing import Preprocessing
from alzedge.stages import CDR, DISCLAIMER, STAGES
from alzedge.tasks import FIGURES, STAGES4, TASKS, Task


def _title(task: Task, figure: str) -> str:
    name = FIGURES[figure]
    return f"{name[0].upper()}{name[1:]}, {task.title}"


def model_card(model: Path, benchmark: dict[str, Any]) -> str:
    """Write the card of an exported student.

    Every figure comes from the file's own record or from `benchmark.json`.

    Args:
        model: `.tflite` file with metrics in its record.
        benchmark: content of `benchmark.json`.

    Returns:
        Markdown with the Hub's YAML front matter.
    """
    record = read_record(model)
    data = ModelCardData(
        license="apache-2.0",
        library_name="litert",
        pipeline_tag="image-classification",
        tags=["tflite", "medical-imaging", "mri", "knowledge-distillation", "not-a-medical-device"],
        model_name=model.stem,
        eval_results=_eval_results(record),
    )
    return str(ModelCard(f"---\n{data.to_yaml()}\n---\n\n{_body(model, record, benchmark)}"))


def _eval_results(record: Record) -> list[EvalResult]:
    name = record["dataset"]["name"]
    return [
        EvalResult(
            task_type="image-classification",
            dataset_type="custom",
            dataset_name=f"{name} ({split_title(split)}, per {level})",
            dataset_split="test",
            dataset_config=f"{split}-{level}",  # results of one configuration are merged
            metric_type=figure if task is STAGES4 else f"{task.name}_{figure}",
            metric_name=f"{_title(task, figure)} ({found['measured_on']})",
            metric_value=round(found[level][task.name][figure]["value"], 4),
        )
        for split, found in record["metrics"].items()
        for level in ("slice", "person")
        if level in found
        for task in TASKS
        for figure in task.summary
        if found[level][task.name][figure] is not None
    ]


def _body(model: Path, record: Record, benchmark: dict[str, Any]) -> str:
    preprocessing = Preprocessing.from_dict(record["preprocessing"])
    rows, columns, _ = preprocessing.input_shape
    steps = f"{', '.join(preprocessing.steps)} (see `alzedge.steps`); then m" if preprocessing.steps else "m"
    stages = "\n".join(f"{i}. `{stage}` (CDR {CDR[i]:g})" for i, stage in enumerate(STAGES))
    return f"""# {model.stem}

**{DISCLAIMER}**

A student of three convolutions, distilled from a SimCLRv2 ResNet teacher and quantized to whole numbers. It gives
the probabilities of four stages of dementia for one skull-stripped axial T1 slice, 176 wide and 208 high, 8-bit grey.

{stages}

## Use

```bash
pip install alzedge
alzedge predict slice.jpg --model {model.name}
```

The file holds its labels, preprocessing and figures: `alzedge inspect {model.name}`, or `unzip -p {model.name} alzedge.json`.
Preprocessing: {steps}eans of {record["preprocessing"]["shrink"]} x {record["preprocessing"]["shrink"]} pixels, rounded, to
{rows} x {columns}; then divided by {record["preprocessing"]["divide_by"]}.

Meant for research on edge models and on honest evaluation. Out of scope: diagnosis, screening, any decision about a
person; slices of another orientation, sequence, scanner or preparation, on which its answers mean nothing.

## Figures

{_metric_tables(record)}

## Size and speed

{markdown_table(benchmark)}

## Data and training

{_data_section(record)}

```json
{json.dumps(record["recipe"], indent=1)}
```
"""


def _metric_tables(record: Record) -> str:
    parts = []
    for split, found in record["metrics"].items():
        levels = [level for level in ("slice", "person") if level in found]
        parts.append(f"### {split_title(split).capitalize()} ({found['description']}; {found['measured_on']})\n")
        parts.append("| figure | " + " | ".join(f"per {level} (n = {found[level]['n']})" for level in levels) + " |")
        parts.append("|---|" + "---|" * len(levels))
        for task in TASKS:
            for figure in task.summary:
                cells = " | ".join(_cell(found[level][task.name][figure]) for level in levels)
                parts.append(f"| {_title(task, figure)} | {cells} |")
        parts.append(
            f"\nRight without knowing anything of dementia: 1-nearest neighbour on pixels "
            f"{found['floors']['nearest_neighbour']:.3f} of the slices, always the commonest stage "
            f"{found['floors']['majority']:.3f}.\n"
        )
    over = "people" if record["dataset"]["people"] else "slices; the people are unknown, so the truth is wider"
    parts.append(f"In brackets the 95 % bootstrap interval over {over}. Macro means are over the stages that occur.")
    return "\n".join(parts)


def _cell(figure: dict[str, float] | None) -> str:
    if figure is None:
        return "a class is missing"
    return f"{figure['value']:.3f} ({figure['low']:.3f}-{figure['high']:.3f})"


def _data_section(record: Record) -> str:
    data, split = record["dataset"], record["split"]
    if data["synthetic"]:
        return (
            f"{data['slices']} synthetic slices of {data['people']} phantoms, drawn from formulas. "
            "**Phantoms are not medical data; no figure here says anything about people.**"
        )
    people = f"{data['people']} people" if data["people"] else "people unknown"
    text = (
        f"`{data['name']}`: {data['slices']} slices, {people}; {split['training_slices']} slices trained this model, "
        f"{split['test_slices']} tested it ({split['description']})."
    )
    if record["metrics"].get("official", {}).get("unseen_people") is False:
        text += (
            " The official test images are other slices of the people in the training images, so the official figures "
            "measure recognition of people as much as of dementia; the figures on unseen people are the ones to cite."
        )
    return text
