"""One reviewer's labels as DICOM Structured Report (TID 1500): a group for each reading, images by pseudonyms."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from alzedge.reporting.dicom_document import make_context
from alzedge.reporting.labels import Row, labels_csv
from alzedge.reporting.structured import SCHEME, concept, measurement_report, stage_concept, tracking
from alzedge.stages import DISCLAIMER
from alzedge.utils.privacy import hushed


def labels_sr(rows: Sequence[Row], made: date) -> Any:
    """Labels as a pydicom data set (Comprehensive SR) of a study of its own, without a patient.

    The images are no DICOM instances that could be referred to: uploads are not kept, so each group carries a
    pseudonym of the pixels as its tracking identifier.

    Args:
        rows: labels of one reviewer, at least one.
        made: the day.
    """
    with hushed():
        context = make_context((), labels_csv(rows), made)
        groups = [_group(context, row, number) for number, row in enumerate(rows, 1)]
        comments = [f"{row['slice']}: {row['comment']}" for row in rows if row["comment"]]
        return measurement_report(groups, context, (), (DISCLAIMER, *comments), _person(rows[0]["reviewer"]))


def _group(context: Any, row: Row, number: int) -> Any:
    from highdicom.sr import FindingSite, MeasurementsAndQualitativeEvaluations, QualitativeEvaluation

    stage = row["reviewer_stage"]
    read = stage_concept(stage) if stage else concept("UNUSABLE", SCHEME, "Cannot be judged")
    when = concept("BLIND", SCHEME, "Before") if row["blind"] == "yes" else concept("OPEN", SCHEME, "After")
    return MeasurementsAndQualitativeEvaluations(
        tracking_identifier=tracking(context, f"{number}: {row['slice']}"),
        finding_sites=[FindingSite(concept("12738006", "SCT", "Brain"))],
        qualitative_evaluations=[
            QualitativeEvaluation(concept("STAGE", SCHEME, "Stage of dementia as read"), read),
            QualitativeEvaluation(concept("WHEN", SCHEME, "Read before or after the model's answer was seen"), when),
        ],
    )


def _person(reviewer: str) -> Any:
    from highdicom.sr import ObserverContext, PersonObserverIdentifyingAttributes

    name = "".join(" " if letter in "^=\\" else letter for letter in reviewer)
    return ObserverContext(concept("121006", "DCM", "Person"), PersonObserverIdentifyingAttributes(f"{name}^"))
