"""A report as DICOM Structured Report: TID 1500 "Measurement Report" (PS3.16), by highdicom.

No standard code names our quantities, so they carry codes of a private scheme, `99ALZEDGE`, whose meanings say what
they are.
"""

from collections.abc import Sequence
from typing import Any

from alzedge import __version__
from alzedge.reporting.content import Report
from alzedge.reporting.dicom_document import Context, made_uid
from alzedge.reporting.wording import trust
from alzedge.stages import DISCLAIMER, STAGES, TITLES

SCHEME = "99ALZEDGE"
_SERIES_NUMBER = 9001
_ONE, _YEAR = ("1", "no units"), ("a", "year")
_BRAIN = ("12738006", "SCT", "Brain")


def structured_report(report: Report, context: Context, evidence: Sequence[Any]) -> Any:
    """The measurements of a report as a pydicom data set (Comprehensive SR).

    Args:
        report: its content.
        context: patient and study.
        evidence: instances that it refers to, of the same study: the source's, or the report as PDF; at least one.
    """
    from highdicom.sr import AlgorithmIdentification, FindingSite, MeasurementsAndQualitativeEvaluations

    group = MeasurementsAndQualitativeEvaluations(
        tracking_identifier=tracking(context, "person"),
        algorithm_id=AlgorithmIdentification(report.model.kind, report.model.version, [report.model.sha256]),
        finding_sites=[FindingSite(concept(*_BRAIN))],
        measurements=_measurements(report) or None,
        qualitative_evaluations=_evaluations(report),
        source_images=_source_images(context) or None,
    )
    return measurement_report([group], context, evidence, (DISCLAIMER, *trust(report)), _device())


def measurement_report(
    groups: Sequence[Any], context: Context, evidence: Sequence[Any], remarks: Sequence[str], observer: Any
) -> Any:
    """A TID 1500 document of measurement groups.

    Args:
        groups: of highdicom.
        context: patient and study.
        evidence: instances that it refers to; none gives a document without references.
        remarks: sentences, which come as text behind the groups; the first one says what it is not for.
        observer: who or what measured, of highdicom.
    """
    from highdicom.sr import (
        ComprehensiveSR,
        MeasurementReport,
        ObservationContext,
        RelationshipTypeValues,
        TextContentItem,
    )

    content = MeasurementReport(
        observation_context=ObservationContext(observer_device_context=observer)
        if _is_device(observer)
        else ObservationContext(observer_person_context=observer),
        procedure_reported=concept("113014", "DCM", "Study"),
        imaging_measurements=list(groups),
    )
    for remark in remarks:
        item = TextContentItem(
            concept("121106", "DCM", "Comment"), remark, relationship_type=RelationshipTypeValues.CONTAINS
        )
        content[0].ContentSequence.append(item)
    given = list(evidence) or [_nothing(context)]
    document: Any = ComprehensiveSR(
        evidence=given,
        content=content[0],
        series_instance_uid=context.uid("sr series"),
        series_number=_SERIES_NUMBER,
        sop_instance_uid=context.uid("sr"),
        instance_number=1,
        manufacturer="AlzEdge",
        is_complete=True,
        series_description="AlzEdge measurements, research only",
        specific_character_set="ISO_IR 192",
    )
    if not evidence:
        del document.CurrentRequestedProcedureEvidenceSequence
    _date(document, context)
    return document


def tracking(context: Context, name: str) -> Any:
    """The name of a measurement group, and a UID that is the same for the same images."""
    from highdicom.sr import TrackingIdentifier

    return TrackingIdentifier(uid=context.uid(f"group {name}"), identifier=name)


def concept(value: str, scheme: str, meaning: str) -> Any:
    """A coded concept of highdicom."""
    from highdicom.sr import CodedConcept

    return CodedConcept(value, scheme, meaning)


def stage_concept(stage: str) -> Any:
    """The private code of one of `STAGES`."""
    return concept(stage, SCHEME, TITLES[STAGES.index(stage)])


def _date(document: Any, context: Context) -> None:
    """The day of the report in place of the moment of writing, so that the same report gives the same file."""
    day = context.made.strftime("%Y%m%d")
    document.ContentDate, document.ContentTime = day, "000000"
    document.SeriesDate, document.SeriesTime = day, "000000"
    document.InstanceCreationDate, document.InstanceCreationTime = day, "000000"
    for equipment in document.get("ContributingEquipmentSequence", []):
        equipment.ContributionDateTime = f"{day}000000"


def _nothing(context: Context) -> Any:
    """Patient and study for a document that refers to nothing; highdicom wants an instance to take them from."""
    from pydicom import Dataset

    empty = Dataset()
    empty.update(context.base)
    empty.SOPClassUID, empty.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7", context.uid("nothing")
    empty.SeriesInstanceUID = context.uid("nothing")
    return empty


def _is_device(observer: Any) -> bool:
    from highdicom.sr import ObserverContext

    assert isinstance(observer, ObserverContext)
    return bool(observer.observer_type.value == "121007")


def _device() -> Any:
    from highdicom.sr import DeviceObserverIdentifyingAttributes, ObserverContext

    device = DeviceObserverIdentifyingAttributes(
        uid=made_uid("alzedge", __version__), name="AlzEdge", manufacturer_name="AlzEdge", model_name=__version__
    )
    return ObserverContext(concept("121007", "DCM", "Device"), device)


def _measurements(report: Report) -> list[Any]:
    person, found = report.person, []
    if person.any_dementia is not None:
        found.append(_number("SCORE", "Score for any dementia", person.any_dementia.value, _ONE))
    if person.brain_volume is not None:
        volume = person.brain_volume
        found.append(
            _number(
                "NWBV", "Brain volume as share of intracranial volume", volume.value, _ONE, (volume.low, volume.high)
            )
        )
    if person.apparent_age is not None:
        age = person.apparent_age
        found.append(_number("APPAGE", "Age that the brain looks like", age.value, _YEAR, (age.low, age.high)))
    return found


def _number(
    value: str, meaning: str, number: float, unit: tuple[str, str], interval: tuple[float, float] | None = None
) -> Any:
    from highdicom.sr import Measurement, MeasurementProperties

    properties = None
    if interval is not None:
        properties = MeasurementProperties(
            lower_measurement_uncertainty=round(number - interval[0], 6),
            upper_measurement_uncertainty=round(interval[1] - number, 6),
        )
    return Measurement(
        concept(value, SCHEME, meaning), round(number, 6), concept(unit[0], "UCUM", unit[1]), properties=properties
    )


def _evaluations(report: Report) -> list[Any]:
    from highdicom.sr import QualitativeEvaluation

    dementia = report.person.any_dementia
    side, meaning = "NOANSWER", "No answer"
    if dementia is not None:
        side, meaning = {True: ("ABOVE", "Above"), False: ("BELOW", "Below"), None: ("NONE", "No threshold known")}[
            dementia.above
        ]
    name = concept("ANYDEM", SCHEME, "Any dementia, beside the operating threshold")
    found = [QualitativeEvaluation(name, concept(side, SCHEME, meaning))]
    for stage in report.person.stage_set or ():
        found.append(
            QualitativeEvaluation(concept("STAGESET", SCHEME, "Stage that cannot be ruled out"), stage_concept(stage))
        )
    return found


def _source_images(context: Context) -> list[Any]:
    from highdicom.sr import SourceImageForMeasurementGroup

    return [SourceImageForMeasurementGroup(one.SOPClassUID, one.SOPInstanceUID) for one in context.instances]
