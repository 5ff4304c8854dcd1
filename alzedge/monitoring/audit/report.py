"""An audit as text and as a picture."""

from pathlib import Path
from typing import Any

import numpy as np

from alzedge.metrics.estimate import Estimate
from alzedge.monitoring.audit.audit import Audit
from alzedge.utils.files import replacing
from alzedge.utils.text_table import in_columns

SPLITS = {"official": "split as it came", "random": "random slices", "people": "unseen people"}
_FIGURES = (
    ("accuracy, slices", "stages4", "slice", "accuracy"),
    ("balanced", "stages4", "slice", "balanced_accuracy"),
    ("dementia AUC", "any_dementia", "person", "roc_auc"),
    ("CDR >= 1 AUC", "cdr1", "person", "roc_auc"),
)


def audit_text(result: dict[str, Any]) -> str:
    """Write verdict, evidence, baselines and pairs of an `audit.json` as text."""
    return "\n".join(
        [result["verdict"]["sentence"], "", *_evidence(result), "", *_baselines(result), "", *_pairs(result)]
    )


def _evidence(result: dict[str, Any]) -> list[str]:
    people, alike = result["people"], result["similarity"]
    above = alike["above"]
    rows = [("images in training / in test", f"{result['images']['train']} / {result['images']['test']}")]
    if people:
        rows += [
            ("people in training / in test / in both", f"{people['train']} / {people['test']} / {people['shared']}"),
            ("people known by", people["known_by"]),
        ]
    else:
        rows.append(("people", "unknown: nothing can be claimed about unseen people"))
    rows += [
        ("test images that are training images, byte for byte", str(result["duplicates"]["test"])),
        ("most similar training image: own stage, median", f"{alike['own_median']:.2f}"),
        ("   other stages (so other people), median", f"{alike['other_median']:.2f}"),
        ("   threshold, above what other stages reach", f"{alike['threshold']:.2f}"),
        (
            "   own stage, share that exceeds it",
            f"{above['value']:.1%} ({above['low']:.1%} to {above['high']:.1%}), expected below {alike['expected_share']:.1%}",
        ),
    ]
    if "same_person_by_name" in alike:
        rows.append(("   of these the same person by name", f"{alike['same_person_by_name']:.1%}"))
    return in_columns([["finding", ""], *([name, value] for name, value in rows)]).splitlines()


def _baselines(result: dict[str, Any]) -> list[str]:
    baselines = result["floors"]
    of_what = (
        f"a sample of {baselines['images']} images" if baselines["sampled"] else f"all {baselines['images']} images"
    )
    lines = [f"Baselines that need no network, on {of_what}; 95% intervals by bootstrap over people"]
    if not result["people"]:
        lines[0] = lines[0].replace("over people", "over slices, too narrow because people are unknown")
    rows = [["", *(title for title, *_ in _FIGURES)]]
    for split, methods in baselines["splits"].items():
        rows.append([SPLITS[split], *[""] * len(_FIGURES)])
        for method, figures in methods.items():
            cells = [_cell(figures, *where) for _, *where in _FIGURES]
            rows.append([f"  {baselines['methods'][method]}", *cells])
    lines.append(in_columns(rows))
    if "people" not in baselines["splits"]:
        lines.append(f"{SPLITS['people']}: no figure, because fewer than five people are known")
    return lines


def _cell(figures: dict[str, Any], task: str, level: str, figure: str) -> str:
    levels = figures[task] or {}
    # Evaluated by person, a method has no figure per slice; with people unknown there is none per person.
    if level == "slice" and figures["per"] == "person":
        level = "person"
    value = levels.get(level, levels.get("slice", {})).get(figure)
    if value is None:
        return "-"
    mark = "*" if level != figures["per"] and level not in levels else ""
    return Estimate.from_json(value).text(".3f", ".2f", to="-", unit=mark)


def _pairs(result: dict[str, Any]) -> list[str]:
    lines = ["Most similar pairs of test and training images of one stage (similarity, test, training)"]
    return lines + [f"  {p['similarity']:.2f}  {p['test']}  {p['train']}" for p in result["pairs"]]


def audit_picture(audited: Audit, path: Path) -> None:
    """Draw the similarities and the most similar pairs into a PNG file.

    The picture shows images of the data set: mind its licence, and people's privacy, before you publish it.
    """
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    pairs, alike = audited.result["pairs"], audited.result["similarity"]
    figure = pyplot.figure(figsize=(2 + 1.7 * max(len(pairs), 3), 7.2), layout="constrained")
    try:
        halves: Any = figure.subfigures(2, 1, height_ratios=(2, 3))
        above, below = halves
        axis = above.subplots()
        bins = np.linspace(0, 1, 61)
        for values, title in (
            (audited.matches.other, "of other stages: other people"),
            (audited.matches.own, "of its own stage"),
        ):
            axis.hist(values[~np.isnan(values)], bins, alpha=0.6, label=title)
        axis.axvline(alike["threshold"], color="black", ls="--", lw=1, label="threshold")
        axis.set(xlabel="similarity of a test image to the most similar training image", ylabel="test images")
        axis.legend(frameon=False)
        above.suptitle(
            f"{audited.result['data']}: {'the split leaks' if audited.result['verdict']['leaks'] else 'no leak seen'}"
        )
        axes = below.subplots(2, len(pairs), squeeze=False)
        for column, pair in enumerate(pairs):
            for row, side in enumerate(("test", "train")):
                axes[row, column].imshow(audited.pictures[pair[side]], cmap="gray", vmin=0, vmax=255)
                axes[row, column].set_title(Path(pair[side]).name, fontsize=7)
                axes[row, column].set_axis_off()
            axes[0, column].set_title(f"{pair['similarity']:.2f}\n{Path(pair['test']).name}", fontsize=7)
        below.suptitle("test images (above) and their most similar training images", fontsize=9)
        with replacing(path) as temporary:
            figure.savefig(temporary, dpi=110)
    finally:
        pyplot.close(figure)
