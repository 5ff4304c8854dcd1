"""A program's question answered by the model, and its answer as it is sent."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from alzedge.demo.answering.heads import Fit
from alzedge.demo.answering.limits import Limits
from alzedge.demo.answering.told import NOTHING_TOLD, Told
from alzedge.demo.answering.uploads import Call, NotASlice, Unread, Upload, read_uploads
from alzedge.inference.answer import Answer
from alzedge.inference.classifier import Classifier
from alzedge.inference.writers import entries
from alzedge.metrics.caveats import demographics_sentence
from alzedge.model_file.read_write import Record
from alzedge.monitoring.log import Keep
from alzedge.stages import DISCLAIMER

# As it is sent: dictionaries, lists, texts and numbers.
Json = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """The answers to one question of a program.

    Attributes:
        name: of the file, or how many.
        volume: the slices are a volume's.
        answers: by the slices' names, in order.
        person: of all of them.
        unread: files that could not be read.
        reading_ms, answering_ms: time spent on decoding, and on guard, preprocessing and network.
        fit: of a scan that was brought into the frame.
        told: age and sex, which a model that has them as an input weighed.
    """

    name: str
    volume: bool
    answers: tuple[tuple[str, Answer], ...]
    person: Answer
    unread: tuple[Unread, ...]
    reading_ms: float
    answering_ms: float
    fit: Fit | None = None
    told: Told = NOTHING_TOLD


def ask_model(
    classifier: Classifier,
    paths: Sequence[Path],
    limits: Limits,
    call: Call,
    prepared: bool = True,
    told: Told = NOTHING_TOLD,
    keep: Keep | None = None,
) -> Asked:
    """Read files and ask the model about them; a single picture that the guard takes for something else is refused.

    Args:
        classifier, paths, limits, call, prepared, told: see `alzedge.demo.page.api`.
        keep: takes the slices, which are one person's, and their answers for a log; None without one.

    Raises:
        UserError: not to be read.
    """
    start = time.perf_counter()
    upload: Upload | None = None
    answers: list[Answer] = []
    try:
        heights = classifier.levels if prepared else None
        upload = read_uploads(paths, limits, classifier.guard, call, heights)
    except NotASlice as refusal:
        if len(paths) > 1:
            raise
        answers = [Answer(None, refusal.refused, refusal.unlikeness, classifier.threshold)]
    read = time.perf_counter()
    if upload is not None:
        answers = classifier.answers(upload.slices, upload.heights, told.age, told.sex)
    done = time.perf_counter()
    person = _person(classifier, answers, told)
    if keep is not None and upload is not None:
        keep(upload.slices, answers, person, upload.heights, True)
    names = (paths[0].name,) if upload is None else upload.names
    return Asked(
        paths[0].name if len(paths) == 1 else f"{len(paths)} files",
        upload is not None and upload.volume,
        tuple(zip(names, answers, strict=True)),
        person,
        () if upload is None else upload.unread,
        round(1000 * (read - start), 3),
        round(1000 * (done - read), 3),
        None if upload is None else upload.fit,
        told,
    )


def _person(classifier: Classifier, answers: list[Answer], told: Told) -> Answer:
    if len(answers) > 1:
        return classifier.person(answers, told.age, told.sex)
    (one,) = answers
    person = one if one.refused else classifier.person(answers, told.age, told.sex)
    return replace(person, unlikeness=one.unlikeness, notes=one.notes)


def as_json(classifier: Classifier, asked: Asked) -> Json:
    """Answers as they are sent."""
    return {
        "name": asked.name,
        "volume": asked.volume,
        **entries(asked.person),
        **({} if asked.fit is None else _told(asked.fit, asked.person)),
        "slices": [
            {"name": name, **height, **entries(one)}
            for (name, one), height in zip(asked.answers, _heights(asked), strict=True)
        ],
        "unread": [{"name": one.name, "error": one.problem} for one in asked.unread],
        "labels": list(classifier.labels),
        "latency_ms": {"reading": asked.reading_ms, "answering": asked.answering_ms},
        "model": _model(classifier.record, asked.told),
        "disclaimer": DISCLAIMER,
    }


def _told(fit: Fit, person: Answer) -> Json:
    return {"notes": [*fit.notes, *person.notes], "quality": fit.quality and asdict(fit.quality)}


def _heights(asked: Asked) -> list[Json]:
    if asked.fit is None:
        return [{} for _ in asked.answers]
    return [{"position_mm": height} for height in asked.fit.heights]


def _model(record: Record, told: Told) -> Json:
    weighed = demographics_sentence(record, told.age, told.sex)
    return {"kind": record["kind"], "sha256": record["sha256"], **({"demographics": weighed} if weighed else {})}
