"""From model files and data to the folder of an evaluation."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from alzedge.data.dataset import DataSet
from alzedge.export.evaluate.curve_plots import draw_confusions, draw_curves, draw_reliability
from alzedge.export.evaluate.curves import TaskCurves, curves
from alzedge.export.evaluate.evaluate_models import SEED, EvaluatedSplit
from alzedge.export.evaluate.evaluate_sources import choose_splits, evaluate_sources
from alzedge.export.evaluate.measured import measure_pictures, measured_people, write_measure_pictures
from alzedge.export.evaluate.sources import open_sources
from alzedge.export.report.html import html_report, introduction, markdown_report
from alzedge.export.report.people_sections import people_sections
from alzedge.export.report.sections import Pictures, report_sections
from alzedge.metrics.bootstrap import REPLICATES
from alzedge.metrics.classification import make_levels
from alzedge.metrics.evaluation import Evaluation
from alzedge.metrics.split_evaluation import SplitEvaluation
from alzedge.monitoring.audit.overlap import find_overlap
from alzedge.runs.recipe import Recipe
from alzedge.utils.files import check_own_folder, mark_own_folder, write_json, write_text
from alzedge.utils.progress import OnPhase, quiet_phase

# By model, level and name of the task.
ModelCurves = dict[str, dict[str, dict[str, TaskCurves]]]


def evaluate_files(
    paths: list[Path],
    dataset: DataSet,
    recipe: Recipe,
    out: Path,
    splits: tuple[str, ...] = (),
    teacher: Path | None = None,
    on_phase: OnPhase = quiet_phase,
    replicates: int = REPLICATES,
    against: Sequence[DataSet] = (),
) -> dict[str, SplitEvaluation]:
    """Evaluate model files and predictions; writes `metrics.json`, `report.html` and `report.md` into `out`.

    `metrics.json` holds the result, and beside it the `curves` of each split by model and level. Where brain volume or age
    are measured, `measures-SPLIT-SOURCE.png` shows those of the last model.

    Args:
        paths: .keras, .tflite, .onnx, or predictions (.csv); differences are from the first.
        dataset: that they were made from, or other data: then its people are unknown to them, so far as its pixels tell.
        recipe: its fold is that of unseen people where no model says which.
        out: a new folder, or that of an earlier evaluation.
        splits: to test on; all that is possible where empty.
        teacher: one of `paths`; the others' agreement with it is measured.
        on_phase: called with the title, then for each split.
        replicates: resamples of the bootstrap.
        against: data that models of other data were trained on, if it is at hand; people found there are left out.

    Returns:
        By split.

    Raises:
        UserError: predictions of other data, or no figure can be given.
    """
    check_own_folder(out, "evaluate")
    opened = open_sources(paths, dataset, recipe)
    sources = list(opened.values())
    overlap = find_overlap(dataset, against) if any(source.external for source in sources) else None
    chosen = choose_splits(sources, dataset, recipe.fold, splits, overlap)
    teacher_name = opened[teacher].name if teacher else None
    with on_phase("evaluation") as on_step:
        evaluated = evaluate_sources(sources, dataset, chosen, teacher_name, on_step, replicates, overlap)
    evaluations = {name: split.evaluation for name, split in evaluated.items()}
    drawn = {name: _curves(split, replicates) for name, split in evaluated.items()}
    mark_own_folder(out, "evaluate")
    write_json(out / "metrics.json", _metrics(evaluations, drawn))
    title = f"Evaluation of {', '.join(source.name for source in sources)}"
    opening = introduction(dataset, replicates)
    pictures = {name: _pictures(evaluation.models, drawn[name]) for name, evaluation in evaluations.items()}
    measured = {name: measured_people(split, dataset) for name, split in evaluated.items()}
    sections = report_sections(evaluations, pictures)
    sections[1:1] = people_sections(evaluations, measure_pictures(measured))
    write_measure_pictures(measured, out)
    write_text(out / "report.html", html_report(title, opening, sections))
    write_text(out / "report.md", markdown_report(title, opening, sections))
    return evaluations


def _metrics(evaluations: Mapping[str, SplitEvaluation], drawn: Mapping[str, ModelCurves]) -> dict[str, object]:
    """Content of `metrics.json`."""
    return {
        split: evaluation.to_json()
        | {
            "curves": {
                model: {
                    level: {task: drawn_task.to_json() for task, drawn_task in tasks.items()}
                    for level, tasks in levels.items()
                }
                for model, levels in drawn[split].items()
            }
        }
        for split, evaluation in evaluations.items()
    }


def _curves(split: EvaluatedSplit, replicates: int) -> ModelCurves:
    return {
        name: {
            level: curves(rows, SEED, replicates)
            for level, rows in make_levels(answers, split.labels, split.subject).items()
        }
        for name, answers in split.answers.items()
    }


def _pictures(models: Mapping[str, Evaluation], drawn: ModelCurves) -> dict[str, Pictures]:
    """Titles and SVGs by model."""
    return {
        name: (
            ("ROC curves (of two classes with the 95 % band over people)", draw_curves("roc", drawn[name])),
            ("Precision-recall curves", draw_curves("pr", drawn[name])),
            ("Confusion matrices", draw_confusions(evaluation)),
            ("Reliability: accuracy by bin of confidence, areas by share of answers", draw_reliability(drawn[name])),
        )
        for name, evaluation in models.items()
    }
