"""Student against teacher: what each says about the same slices, how long it takes and how large it is."""

import time
from dataclasses import replace
from html import escape
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alzedge.demo.answering.reply import Reply, best, shares
from alzedge.demo.html.answer import bars_html
from alzedge.errors import UserError
from alzedge.inference.classifier import Answer, Classifier
from alzedge.model_file.read_write import Record
from alzedge.stages import TITLES

EMPTY = '<section class="panel empty"><h2>Student and teacher</h2><p>Ask something, and both answer.</p></section>'


def load_teacher(path: Path) -> Classifier:
    """An exported teacher in the runtime of the student.

    Args:
        path: a `.tflite` or `.onnx` file that `alzedge export` made of a teacher.

    Raises:
        UserError: no such file, not ours, damaged, or no teacher.
    """
    if path.suffix == ".keras":
        raise UserError(f"{path} needs TensorFlow; name a .tflite file made of it by `alzedge export`.")
    teacher = Classifier.load(path, guarded=False)
    if not teacher.record["kind"].startswith("teacher"):
        raise UserError(f"{path} is a {teacher.record['kind']}, not a teacher; name an exported teacher.")
    return teacher


def ask_teacher(teacher: Classifier, slices: NDArray[np.uint8], student: Reply) -> Reply:
    """The teacher's answers for those slices, uint8 (N, 208, 176), that the student answered."""
    rows = list(student.given)
    start = time.perf_counter()
    found = teacher.probabilities(slices[rows]).tolist() if rows else []
    seconds = time.perf_counter() - start
    answers = list(student.answers)
    for row, values in zip(rows, found, strict=True):
        answers[row] = Answer(dict(zip(teacher.labels, values, strict=True)))
    return replace(student, answers=tuple(answers), seconds=seconds)


def comparison_html(student: Record, teacher: Record, replies: tuple[Reply, Reply]) -> str:
    """Both answers side by side, and what the small one costs and saves.

    Args:
        student, teacher: their records.
        replies: of both, to the same slices.
    """
    ours, theirs = replies
    if not ours.given:
        return '<section class="panel empty"><h2>Student and teacher</h2><p>Nothing was answered.</p></section>'
    row = ours.given[len(ours.given) // 2]
    about = "The person" if ours.one_person else escape(ours.names[row])
    sides = "".join(
        _side(name, record, reply.person if reply.one_person else reply.answers[row], reply)
        for name, record, reply in (("Student", student, ours), ("Teacher", teacher, theirs))
    )
    return (
        f'<section class="panel" aria-label="Student and teacher"><p class="eyebrow">{about}</p>'
        f'<h2>{_agreement(ours, theirs)}</h2><div class="sides">{sides}</div>{_ratios(student, teacher, ours, theirs)}'
        f"{_measured_before(student)}</section>"
    )


def _side(name: str, record: Record, answer: Answer, reply: Reply) -> str:
    each = 1000 * reply.seconds / len(reply.given)
    return (
        f'<div><h3>{name}</h3><p class="of">{TITLES[best(answer)]}, {shares(answer)[best(answer)]:.0%}</p>'
        f"{bars_html(answer)}<dl><dt>Time a slice</dt><dd>{each:.1f} ms</dd><dt>Size</dt><dd>{_size(record)}</dd>"
        f"<dt>Kind</dt><dd><code>{escape(record['kind'])}</code></dd></dl></div>"
    )


def _agreement(ours: Reply, theirs: Reply) -> str:
    same = [best(ours.answers[row]) == best(theirs.answers[row]) for row in ours.given]
    if len(same) == 1:
        return "They name the same stage" if same[0] else "They name different stages"
    return f"They name the same stage on {sum(same)} of {len(same)} slices"


def _ratios(student: Record, teacher: Record, ours: Reply, theirs: Reply) -> str:
    told = []
    if ours.seconds:
        told.append(f"{theirs.seconds / ours.seconds:.1f} times the student's time in this call")
    sizes = [record.get("verdict", {}).get("bytes") for record in (student, teacher)]
    if all(sizes):
        told.append(f"{sizes[1] / sizes[0]:.1f} times its size")
    return f"<p>The teacher took {' and has '.join(told)}.</p>" if told else ""


def _measured_before(student: Record) -> str:
    """How far both agree on test slices of new people, by the student's record."""
    for found in student.get("metrics", {}).values():
        measured = found["slice"].get("teacher")
        if found["unseen_people"] and measured:
            agreement = measured["agreement"]
            return (
                f'<p class="of">On {found["slice"]["n"]} test slices of new people the student agreed with its own teacher on '
                f"{agreement['value']:.0%} (95% interval {agreement['low']:.0%} to {agreement['high']:.0%}).</p>"
            )
    return ""


def _size(record: Record) -> str:
    size = record.get("verdict", {}).get("bytes")
    return "unknown" if size is None else f"{size / 1024:,.0f} KiB"
