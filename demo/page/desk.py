"""What happens between a question and what is shown, without a page: files and wishes in, HTML out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from alzedge.demo.answering.evidence import MOST_HIDDEN, Evidence
from alzedge.demo.answering.reply import Reply, ask, ask_phantom, draw_phantom
from alzedge.demo.answering.uploads import LIMITS, Limits, discard, read_uploads
from alzedge.demo.html import answer, comparison, viewer
from alzedge.demo.html.comparison import ask_teacher
from alzedge.errors import UserError
from alzedge.inference.classifier import Classifier


@dataclass(frozen=True)
class Told:
    """What the student said, and the teacher, where there is one; kept while the page is open, without any picture."""

    student: Reply
    teacher: Reply | None


@dataclass(frozen=True)
class Shown:
    """What the page is to show.

    Attributes:
        view: the slices.
        answer: bars and words.
        comparison: student and teacher.
        evidence: a sentence on the heat map; empty when there is none.
        told: None when there was no answer at all.
    """

    view: str = viewer.EMPTY
    answer: str = answer.EMPTY
    comparison: str = comparison.EMPTY
    evidence: str = ""
    told: Told | None = None


@dataclass(frozen=True)
class Desk:
    """The models at hand.

    Attributes:
        classifier: answers.
        evidence: draws the heat maps.
        teacher: answers beside it, or None.
        limits: on what is uploaded.
    """

    classifier: Classifier
    evidence: Evidence
    teacher: Classifier | None = None
    limits: Limits = LIMITS

    def upload(self, paths: Sequence[str] | None, one_person: bool) -> Shown:
        """Answer for uploaded files, and delete them; for files that cannot be read, what is wrong with them."""
        if not paths:
            return Shown()
        try:
            found = read_uploads(paths, self.limits, self.classifier.guard)
        except UserError as error:
            return Shown(answer=answer.refusal_html(str(error)))
        finally:
            discard(paths)
        return self._shown(found.slices, ask(self.classifier, found, one_person))

    def phantom(self, label: int, head: bool) -> Shown:
        """Draw a phantom of a stage, a slice or a head, and answer for it."""
        drawn = draw_phantom(label, head, np.random.default_rng())
        return self._shown(drawn.slices, ask_phantom(self.classifier, drawn))

    def regroup(self, told: Told | None, one_person: bool) -> Shown:
        """The same answers, now taken as one person's, or not; the pictures stay as they are."""
        if told is None:
            return Shown()
        if told.student.volume or not told.student.several:
            return self._worded(told)
        teacher = None if told.teacher is None else replace(told.teacher, one_person=one_person)
        return self._worded(Told(replace(told.student, one_person=one_person), teacher))

    def _shown(self, slices: NDArray[np.uint8], student: Reply) -> Shown:
        heat = self.evidence(slices[list(student.given)]) if student.given else None
        words = self.evidence.words if heat is not None else ""
        if heat is None and student.given:
            words = f"No heat map: this model can only draw it for up to {MOST_HIDDEN} slices."
        told = Told(student, None if self.teacher is None else ask_teacher(self.teacher, slices, student))
        return replace(self._worded(told), view=viewer.viewer_html(slices, student, heat), evidence=words)

    def _worded(self, told: Told) -> Shown:
        record = self.classifier.record
        beside = comparison.EMPTY
        if self.teacher is not None and told.teacher is not None:
            beside = comparison.comparison_html(record, self.teacher.record, (told.student, told.teacher))
        return Shown(answer=answer.answer_html(record, told.student), comparison=beside, told=told)
