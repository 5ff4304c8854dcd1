"""Everything between a question and what is shown, without a page: files and wishes in, HTML out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alzedge.demo.answering.evidence import MOST_HIDDEN, Evidence
from alzedge.demo.answering.example import EXAMPLE_SOURCE, load_example
from alzedge.demo.answering.limits import LIMITS, Limits
from alzedge.demo.answering.reply import Reply, ask, ask_phantom, draw_phantom
from alzedge.demo.answering.told import NOTHING_TOLD, Told, read_told
from alzedge.demo.answering.uploads import Call, call_here, discard, read_uploads
from alzedge.demo.html.answer import answer_html, empty_html, refusal_html
from alzedge.demo.html.comparison import ask_teacher, comparison_html, waiting_html
from alzedge.demo.html.fit import fit_html
from alzedge.demo.html.rendering import render
from alzedge.demo.html.verdict import threshold_of
from alzedge.demo.html.viewer import empty_viewer_html, viewer_html
from alzedge.errors import UserError
from alzedge.inference.classifier import Classifier
from alzedge.monitoring.log import Keep
from alzedge.preparation.upright import TURNED, turned_where
from alzedge.reporting.compose import Pictures, chosen_rows, hash_of, make_tiles


@dataclass(frozen=True)
class Answered:
    """Answers of the student and, where there is one, of the teacher; kept while the page is open.

    Attributes:
        student, teacher: the answers, without a picture.
        pictures: the few small ones that a report shows.
    """

    student: Reply
    teacher: Reply | None
    pictures: Pictures


@dataclass(frozen=True)
class Shown:
    """The parts of the page that an answer changes, as HTML.

    Attributes:
        view: the slices.
        answer: the operating point, stages and words.
        comparison: student and teacher.
        legend: of the heat map; empty when there is none.
        answered: None when there was no answer at all.
        fit: how a scan was brought into the frame; empty for other uploads.
    """

    view: str
    answer: str
    comparison: str
    legend: str = ""
    answered: Answered | None = None
    fit: str = ""


@dataclass(frozen=True)
class Desk:
    """The models at hand.

    Attributes:
        classifier: answers.
        evidence: draws the heat maps.
        teacher: answers beside it, or None.
        limits: on what is uploaded.
        call: what decodes uploads.
        prepared: whether volumes are brought into the frame first.
        keep: takes uploaded slices and their answers for a log; None without one.
    """

    classifier: Classifier
    evidence: Evidence
    teacher: Classifier | None = None
    limits: Limits = LIMITS
    call: Call = call_here
    prepared: bool = True
    keep: Keep | None = None

    @cached_property
    def empty(self) -> Shown:
        """The page before the first question."""
        example = load_example().slices
        view = empty_viewer_html(example[len(example) // 2], EXAMPLE_SOURCE)
        return Shown(view, empty_html(self.classifier.record), waiting_html())

    def upload(
        self, paths: Sequence[str] | None, report: Path | None = None, age: Any = None, sex: Any = None
    ) -> Shown:
        """Answer for uploaded files, and delete them; for files that cannot be read, tell what is wrong with them.

        Args:
            paths: of the files.
            report: see `alzedge.demo.answering.uploads.read_uploads`.
            age, sex: as the controls hold them; see `alzedge.demo.answering.told`.
        """
        if not paths:
            return self.empty
        try:
            heights = self.classifier.levels if self.prepared else None
            upload = read_uploads(paths, self.limits, self.classifier.guard, self.call, heights, report)
        except UserError as error:
            return self.refused(str(error))
        finally:
            discard(paths)
        reply = ask(self.classifier, upload)
        if self.keep is not None:  # several pictures may be of several people, and nobody has said so yet
            one_person = upload.volume or len(reply.answers) == 1
            self.keep(upload.slices, reply.answers, reply.person, upload.heights, one_person)
        return self._shown(upload.slices, reply, age, sex)

    def refused(self, reason: str) -> Shown:
        """No answer, for a reason that is told as a sentence."""
        return replace(self.empty, answer=refusal_html(reason))

    def example(self, age: Any = None, sex: Any = None) -> Shown:
        """Answer for the example."""
        upload = load_example()
        return self._shown(upload.slices, ask(self.classifier, upload), age, sex)

    def phantom(self, label: int, head: bool, age: Any = None, sex: Any = None) -> Shown:
        """Draw a phantom of a stage, a slice or a head, and answer for it."""
        drawn = draw_phantom(label, head, np.random.default_rng())
        return self._shown(drawn.slices, ask_phantom(self.classifier, drawn), age, sex)

    def regroup(self, answered: Answered | None, one_person: bool | None, age: Any = None, sex: Any = None) -> Shown:
        """The same answers, now taken as one person's, or not, or of another age; the pictures stay as they are."""
        if answered is None or not answered.student.pictures:
            return self.empty if answered is None else self._worded(answered, age, sex)
        teacher = None if answered.teacher is None else replace(answered.teacher, one_person=one_person)
        student = replace(answered.student, one_person=one_person)
        return self._worded(replace(answered, student=student, teacher=teacher), age, sex)

    def _shown(self, slices: NDArray[np.uint8], student: Reply, age: Any = None, sex: Any = None) -> Shown:
        slices = turned_where(slices, [TURNED in answer.notes for answer in student.answers])
        heat = self.evidence(slices[list(student.given)]) if student.given else None
        legend = ""
        if heat is not None:
            legend = render("legend", words=self.evidence.words)
        elif student.given:
            legend = render(
                "note", sentence=f"No heat map: this model can draw it for up to {MOST_HIDDEN} slices only."
            )
        beside = None if self.teacher is None else ask_teacher(self.teacher, slices, student)
        answered = Answered(student, beside, self._pictures(slices, student, heat))
        view = viewer_html(slices, student, heat, threshold_of(self.classifier.record))
        fit = "" if student.fit is None else fit_html(student.fit)
        return replace(self._worded(answered, age, sex), view=view, legend=legend, fit=fit)

    def _pictures(self, slices: NDArray[np.uint8], reply: Reply, heat: NDArray[np.float32] | None) -> Pictures:
        rows = chosen_rows(reply.answers)
        shown = None if heat is None else heat[[reply.given.index(row) for row in rows]]
        legend = f"The evidence for any dementia. {self.evidence.words}"
        return Pictures(make_tiles(slices, rows, shown), hash_of(slices), legend)

    def _worded(self, answered: Answered, age: Any, sex: Any) -> Shown:
        told, problem = _told(age, sex)
        record = self.classifier.record
        beside = self.empty.comparison
        if self.teacher is not None and answered.teacher is not None:
            beside = comparison_html(record, self.teacher.record, (answered.student, answered.teacher))
        words = answer_html(record, answered.student, told, problem)
        return Shown(self.empty.view, words, beside, answered=answered)


def _told(age: Any, sex: Any) -> tuple[Told, str]:
    """Age and sex in the controls, or nothing and the sentence that says what is wrong: the answer comes all the same."""
    try:
        return read_told(_years(age), sex), ""
    except UserError as error:
        return NOTHING_TOLD, str(error)


def _years(age: Any) -> Any:
    """A number where the text field holds one, with a point or a comma."""
    try:
        return float(age.strip().replace(",", ".")) if isinstance(age, str) and age.strip() else None
    except ValueError:
        return age
