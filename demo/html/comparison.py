"""Student against teacher: their answers for the same slices, their time and their size."""

import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from alzedge.demo.answering.reply import Reply, best, shares
from alzedge.demo.html.rendering import render
from alzedge.demo.html.verdict import HEADINGS, side_of, threshold_of
from alzedge.errors import UserError
from alzedge.inference.answer import Answer
from alzedge.inference.classifier import Classifier
from alzedge.metrics.record_facts import Measurement, file_bytes, read_measurements
from alzedge.model_file.read_write import Record, Role, kind_of


@dataclass(frozen=True)
class _Side:
    title: str
    heading: str
    shares: list[float]
    milliseconds: float
    size: str
    kind: str


def waiting_html(sentence: str = "Ask something, and both answer.") -> Markup:
    """The comparison's place while there is nothing to compare."""
    return render("comparison", sides=(), waiting=sentence)


def load_teacher(path: Path) -> Classifier:
    """Load an exported teacher into the runtime of the student.

    Args:
        path: a `.tflite` or `.onnx` file that `alzedge export` made of a teacher.

    Raises:
        UserError: no such file, not ours, damaged, or not a teacher.
    """
    if path.suffix.lower() == ".keras":
        raise UserError(f"{path} needs TensorFlow; name a .tflite file made of it by `alzedge export`.")
    teacher = Classifier.load(path, guarded=False)
    if kind_of(teacher.record).role is not Role.TEACHER:
        raise UserError(f"{path} is a {teacher.record['kind']}, not a teacher; name an exported teacher.")
    return teacher


def ask_teacher(teacher: Classifier, slices: NDArray[np.uint8], student: Reply) -> Reply:
    """The teacher's answers for those slices, uint8 (N, 208, 176), that the student answered."""
    rows = list(student.given)
    start = time.perf_counter()
    answered = teacher.probabilities(slices[rows]).tolist() if rows else []
    seconds = time.perf_counter() - start
    answers = list(student.answers)
    for row, values in zip(rows, answered, strict=True):
        answers[row] = Answer(dict(zip(teacher.labels, values, strict=True)))
    return replace(student, answers=tuple(answers), seconds=seconds)


def comparison_html(student: Record, teacher: Record, replies: tuple[Reply, Reply]) -> Markup:
    """Draw both answers side by side, and what the small one costs and saves.

    Args:
        student, teacher: their records.
        replies: of both, to the same slices.
    """
    ours, theirs = replies
    if not ours.given:
        return waiting_html("Nothing was answered.")
    row = ours.first
    sides = [
        _side(title, record, reply.person if reply.one_person else reply.answers[row], reply)
        for title, record, reply in (("Student", student, ours), ("Teacher", teacher, theirs))
    ]
    return render(
        "comparison",
        about="The person" if ours.one_person else ours.names[row],
        agreement=_agreement(ours, theirs),
        sides=sides,
        ratios=_ratios(student, teacher, ours, theirs),
        before=_measured_before(student),
    )


def _side(title: str, record: Record, answer: Answer, reply: Reply) -> _Side:
    size = file_bytes(record)
    return _Side(
        title,
        HEADINGS[side_of(answer, threshold_of(record))],
        shares(answer),
        1000 * reply.seconds / len(reply.given),
        "unknown" if size is None else f"{size / 1024:,.0f} KiB",
        str(record["kind"]),
    )


def _agreement(ours: Reply, theirs: Reply) -> str:
    same = [best(ours.answers[row]) == best(theirs.answers[row]) for row in ours.given]
    if len(same) == 1:
        return "They name the same stage" if same[0] else "They name different stages"
    return f"They name the same stage on {sum(same)} of {len(same)} slices"


def _ratios(student: Record, teacher: Record, ours: Reply, theirs: Reply) -> list[str]:
    ratios = []
    if ours.seconds:
        ratios.append(f"{theirs.seconds / ours.seconds:.1f} times the student's time in this call")
    small, large = file_bytes(student), file_bytes(teacher)
    if small and large:
        ratios.append(f"{large / small:.1f} times its size")
    return ratios


def _measured_before(student: Record) -> Measurement | None:
    """The test on slices of new people that tells how far both agree, by the student's record."""
    tests = (test for test in read_measurements(student) if test.unseen_people and test.agreement)
    return next(tests, None)
