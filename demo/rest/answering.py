"""Answers for the instances of a question: slices go straight to the model, picture files through the page's workers."""

import asyncio
import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from alzedge.demo.answering.limits import Limits
from alzedge.demo.answering.told import Told
from alzedge.demo.answering.turns import Turns
from alzedge.demo.answering.uploads import Call, NotASlice, decode_picture
from alzedge.demo.rest.failure import Refusal
from alzedge.demo.rest.pixels import Instance
from alzedge.errors import UserError
from alzedge.inference.answer import Answer
from alzedge.inference.classifier import Classifier
from alzedge.monitoring.log import Keep

# So many slices are answered at once, in less time than it takes to wake a thread up twice.
_AT_ONCE = 4


class Answering:
    """A model that answers questions of programs.

    Args:
        classifier: answers.
        limits: on pictures.
        call: what decodes pictures.
        turns: of visitors, shared with the page: for whatever takes longer than a moment.
        keep: takes slices and answers for a log; None without one.
    """

    def __init__(
        self, classifier: Classifier, limits: Limits, call: Call, turns: Turns, keep: Keep | None = None
    ) -> None:
        self._classifier, self._limits, self._call, self._turns = classifier, limits, call, turns
        self._keep = keep

    async def __call__(self, instances: Sequence[Instance], visitor: str) -> list[Answer]:
        """Answer for instances, in order.

        Args:
            instances: at most `alzedge.demo.rest.pixels.MOST_INSTANCES`.
            visitor: by whom turns are given.

        Raises:
            Refusal: 400, a picture that cannot be read; 503, too many wait already.
        """
        if self._keep is None and len(instances) <= _AT_ONCE and all(one.pixels is not None for one in instances):
            return self._answers(instances)
        try:
            async with self._turns.turn(visitor):
                return await asyncio.to_thread(self._answers, instances)
        except UserError as error:
            raise Refusal(503, str(error)) from error

    def _answers(self, instances: Sequence[Instance]) -> list[Answer]:
        read = self._read(instances)
        answers = [slices if isinstance(slices, Answer) else None for slices in read]
        by_person: dict[Told, list[int]] = {}
        for row, instance in enumerate(instances):
            if answers[row] is None:
                by_person.setdefault(instance.told, []).append(row)
        for told, rows in by_person.items():
            images = np.stack([slices for slices in (read[row] for row in rows) if not isinstance(slices, Answer)])
            given = self._classifier.answers(images, (), told.age, told.sex)
            for row, answer in zip(rows, given, strict=True):
                answers[row] = answer
            if self._keep is not None:  # several may be of several people
                person = self._classifier.person(given, told.age, told.sex)
                self._keep(images, given, person, (), len(instances) == 1)
        return [answer for answer in answers if answer is not None]

    def _read(self, instances: Sequence[Instance]) -> list[NDArray[np.uint8] | Answer]:
        """Pixels of each instance, or the refusal of a picture that the guard takes for something else."""
        end = time.monotonic() + self._limits.all_seconds
        read: list[NDArray[np.uint8] | Answer] = []
        for one in instances:
            if one.pixels is not None:
                read.append(one.pixels)
                continue
            if time.monotonic() > end:
                raise Refusal(413, f"{one.name}: the pictures before it took too long to read; send fewer at once.")
            try:
                read.append(
                    self._call(decode_picture, one.picture or b"", one.name, self._limits, self._classifier.guard)
                )
            except NotASlice as refusal:
                read.append(Answer(None, refusal.refused, refusal.unlikeness, self._classifier.threshold))
            except UserError as error:
                raise Refusal(400, str(error)) from error
        return read
