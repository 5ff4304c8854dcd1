"""From model files and data to the folder of an evaluation."""

from pathlib import Path
from typing import Any

from alzedge.commands.progress_bars import show_steps
from alzedge.data.dataset import DataSet
from alzedge.export.evaluate.curve_plots import draw_confusions, draw_curves, draw_reliability
from alzedge.export.evaluate.curves import curves
from alzedge.export.evaluate.judge import SEED, Judgement
from alzedge.export.evaluate.sources import choose_splits, judge_sources, open_sources
from alzedge.export.report.html import html_report, introduction, markdown_report, report_sections
from alzedge.metrics.classification import make_levels
from alzedge.runs.recipe import Recipe
from alzedge.utils.files import check_own_folder, mark_own_folder, write_json, write_text


def evaluate_files(
    paths: list[Path],
    dataset: DataSet,
    recipe: Recipe,
    out: Path,
    splits: tuple[str, ...] = (),
    teacher: Path | None = None,
) -> dict[str, Any]:
    """Judge model files and predictions; writes `metrics.json`, `report.html` and `report.md` into `out`.

    Args:
        paths: .keras, .tflite, .onnx, or predictions (.csv); differences are from the first.
        dataset: what they were made from.
        recipe: its fold is that of unseen people where no model says which.
        out: a new folder, or that of an earlier evaluation.
        splits: what to test on; all that is possible where empty.
        teacher: one of `paths`; the others' agreement with it is measured.

    Returns:
        The content of `metrics.json`: by split the result of `alzedge.export.evaluate.judge.evaluate_models`, with
        `refused` (by model why it is not judged there) and `curves` (by model and level, see `alzedge.export.evaluate.curves`).

    Raises:
        UserError: files of other data, or no figure can be given.
    """
    check_own_folder(out, "evaluate")
    opened = open_sources(paths, dataset, recipe)
    sources = list(opened.values())
    with show_steps("evaluation") as on_step:
        chosen = choose_splits(sources, dataset, recipe.fold, splits)
        judged = judge_sources(sources, dataset, chosen, opened[teacher].name if teacher else None, on_step)
    found = {name: judgement.figures | {"curves": _curves(judgement)} for name, judgement in judged.items()}
    pictures = {name: _pictures(figures) for name, figures in found.items()}
    mark_own_folder(out, "evaluate")
    write_json(out / "metrics.json", found)
    title = f"Evaluation of {', '.join(source.name for source in sources)}"
    opening, sections = introduction(dataset), report_sections(found, pictures)
    write_text(out / "report.html", html_report(title, opening, sections))
    write_text(out / "report.md", markdown_report(title, opening, sections))
    return found


def _curves(judgement: Judgement) -> dict[str, Any]:
    return {
        name: {
            level: curves(rows, SEED)
            for level, rows in make_levels(answers, judgement.labels, judgement.subject).items()
        }
        for name, answers in judgement.answers.items()
    }


def _pictures(figures: dict[str, Any]) -> dict[str, tuple[tuple[str, str], ...]]:
    """By model titles and SVGs."""
    return {
        name: (
            ("ROC curves (of two classes with the 95 % band over people)", draw_curves("roc", found)),
            ("Precision-recall curves", draw_curves("pr", found)),
            ("Confusion matrices", draw_confusions(figures["models"][name])),
            ("Reliability: accuracy by bin of confidence, areas by share of answers", draw_reliability(found)),
        )
        for name, found in figures["curves"].items()
    }
