"""The model's card on the page: everything it says is read from the record in the model's own file."""

from html import escape
from typing import Any

from alzedge.imaging.preprocessing import Preprocessing
from alzedge.metrics.tasks import FIGURES, TASKS
from alzedge.model_file.read_write import Record
from alzedge.stages import DISCLAIMER, STAGES, TITLES

_WHOM = {
    True: "people it had never seen",
    False: "other slices of people it had seen",
    None: "other slices, perhaps of people it had seen",
}


def card_html(record: Record) -> str:
    """The card.

    Args:
        record: of the model that answers.
    """
    measured = sorted(record.get("metrics", {}).values(), key=lambda found: not found["unseen_people"])
    metrics = "".join(map(_figures_html, measured))
    entries = "".join(f"<dt>{name}</dt><dd>{text}</dd>" for name, text in _entries(record))
    return (
        f'<div class="card"><p><strong>{DISCLAIMER}</strong> Meant for research on small models and on honest '
        "evaluation. Not for diagnosis, screening or any decision about a person; its answers mean nothing on slices of "
        f"another orientation, sequence, scanner or preparation.</p><dl>{entries}</dl>{metrics}"
        f"{_small_print(record) if metrics else ''}</div>"
    )


def _entries(record: Record) -> list[tuple[str, str]]:
    preprocessing = Preprocessing.from_dict(record["preprocessing"])
    rows, columns, _ = preprocessing.input_shape
    steps = f"{', '.join(map(escape, preprocessing.steps))}; " if preprocessing.steps else ""
    stages = ", ".join(f"{title.lower()} (<code>{stage}</code>)" for title, stage in zip(TITLES, STAGES, strict=True))
    found = [
        ("Model", f"<code>{escape(record['kind'])}</code>, made by AlzEdge {escape(record['alzedge'])}"),
        ("Answers", stages),
        ("Sees", f"{steps}the slice shrunk to {columns} x {rows}"),
        ("Learned from", _data(record)),
    ]
    if verdict := record.get("verdict"):
        found.append(("Size", f"{verdict['bytes'] / 1024:.1f} KiB, {verdict['gzip_bytes'] / 1024:.1f} KiB compressed"))
    if guard := record.get("guard"):
        kinds, mistakes = guard["measured"]["detected"].values(), guard["measured"]["false_refusals"]
        text = f"what is no such slice: at least {min(kind['refused'] for kind in kinds):.0%} of each of {len(kinds)} "
        text += f"kinds of other pictures tried; by mistake {mistakes['refused']:.1%} of {mistakes['n']} proper slices"
        found.append(("Refuses", text))
    found.append(("Licence", escape(str(record["licence"]))))
    found.append(("SHA-256", f"<code>{escape(record['sha256'])}</code>"))
    return found


def _data(record: Record) -> str:
    data, split = record["dataset"], record["split"]
    if data["synthetic"]:
        return f"{data['slices']} slices of {data['people']} phantoms, drawn from formulas: no medical data"
    people = f"{data['people']} people" if data["people"] else "people unknown"
    return (
        f"{escape(data['name'])}: {data['slices']} slices of {people}; {split['training_slices']} trained it, "
        f"{split['test_slices']} tested it ({escape(split['description'])})"
    )


def _figures_html(found: dict[str, Any]) -> str:
    levels = [level for level in ("slice", "person") if level in found]
    head = "".join(f"<th scope='col'>per {level} (n = {found[level]['n']})</th>" for level in levels)
    rows = "".join(
        f"<tr><th scope='row'>{escape(_title(FIGURES[figure]))}, {escape(task.title)}</th>"
        + "".join(f"<td>{_cell(found[level][task.name][figure])}</td>" for level in levels)
        + "</tr>"
        for task in TASKS
        for figure in task.summary
    )
    floors = found["floors"]
    return (
        f"<h4>On {_WHOM[found['unseen_people']]}</h4>"
        f'<p class="of">{escape(found["description"])}; measured on {escape(found["measured_on"])}</p>'
        f"<div class='scrolls'><table><thead><tr><th></th>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
        f'<p class="of">Without knowing anything of dementia, the nearest other slice is right for '
        f"{floors['nearest_neighbour']:.0%}, always the commonest stage for {floors['majority']:.0%}.</p>"
    )


def _title(name: str) -> str:
    return name[0].upper() + name[1:]


def _cell(figure: dict[str, float] | None) -> str:
    if figure is None:
        return "a class is missing"
    return f"{figure['value']:.2f} <small>({figure['low']:.2f} to {figure['high']:.2f})</small>"


def _small_print(record: Record) -> str:
    over = "people" if record["dataset"]["people"] else "slices; the people are unknown, so the truth is wider"
    return f'<p class="of">In brackets the 95% bootstrap interval over {over}.</p>'
