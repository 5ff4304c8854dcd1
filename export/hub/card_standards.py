"""Fields of two reporting standards that the rest of a model card does not answer, with what is known and what is not.

CLAIM 2024: Tejani et al. 2024, "Checklist for Artificial Intelligence in Medical Imaging (CLAIM): 2024 Update", Radiology:
Artificial Intelligence 6(4):e240300. CHAI: the Applied Model Card of the Coalition for Health AI.
"""

from collections.abc import Mapping

from alzedge.export.report.tables import markdown_rows
from alzedge.metrics.split_evaluation import SplitEvaluation
from alzedge.model_file.read_write import Record
from alzedge.utils.text_table import Rows

_UNKNOWN = "unknown"


def standards(record: Record, oasis: bool, splits: Mapping[str, SplitEvaluation]) -> str:
    """Write both tables.

    Args:
        record: of the model.
        oasis: whether its images are OASIS-1's.
        splits: evaluations that know the people; empty without.
    """
    claim, chai = markdown_rows(_claim(record, oasis)), markdown_rows(_chai(record, oasis, splits))
    return (
        f"What the sections above do not answer. A field of which nothing is known says so.\n\n### CLAIM 2024\n\n{claim}"
        f"\n\n### CHAI Applied Model Card\n\n{chai}"
    )


def _claim(record: Record, oasis: bool) -> Rows:
    people = record["split"]["test_people"]
    return [
        ["item", "answer"],
        ["Study design", "retrospective, of data published before"],
        ["Goal", "to show what a small network can tell from one slice, and what it cannot; no superiority is claimed"],
        ["Selection of people", "all of the data set; see People for the flow" if oasis else _UNKNOWN],
        ["De-identification", "by OASIS-1: random identifiers, skulls removed" if oasis else _UNKNOWN],
        [
            "Missing data",
            "people without a stage count for what is measured; missing values are never filled in for models",
        ],
        [
            "Annotators, their training and agreement",
            "see Reference standard; agreement unknown" if oasis else _UNKNOWN,
        ],
        [
            "Sample size",
            f"not planned: all there is; {_UNKNOWN if people is None else f'{people} people tested this file'}",
        ],
        [
            "Partitions",
            "by person; see Leakage" if record["split"]["unseen_people"] else record["split"]["description"],
        ],
        [
            "Selection of the model",
            "the last epoch; on whose figures the recipe's settings were chosen is not in the record: unknown",
        ],
        ["Ensembling", "none in the file"],
        ["Robustness", "other scanners: not measured. Pictures of other kinds: see Refusals"],
        ["External validation", "none"],
        ["Explainability", "a heat map by class activation, in a companion file; not validated against lesions"],
        ["Clinical trial, registration", "none"],
        ["Protocol, code", "recipe below; code in AlzEdge's repository"],
        ["Funding", f"{_UNKNOWN} for AlzEdge; OASIS-1's grants are in Acknowledgement" if oasis else _UNKNOWN],
    ]


def _chai(record: Record, oasis: bool, splits: Mapping[str, SplitEvaluation]) -> Rows:
    fairness = "see Figures by age and sex" if any(split.sources for split in splits.values()) else "not measured here"
    return [
        ["field", "answer"],
        ["Developer and contact", f"{_UNKNOWN}: whoever publishes this file fills it in"],
        ["Version", f"AlzEdge {record['alzedge']}; SHA-256 of the file `{record['sha256']}`"],
        ["Release stage", "research; regulatory status: none, approved for nothing"],
        ["Intended users", "developers and researchers; no clinical user"],
        ["Target population", "none in care; it was made from adults of one study" if oasis else _UNKNOWN],
        ["Clinical risk level", "not rated; it must not be used in care"],
        [
            "Known biases",
            "without dementia people are younger in its data; one site, one scanner" if oasis else _UNKNOWN,
        ],
        ["Race, ethnicity, language", f"{_UNKNOWN}: not in the data, so nothing is known of fairness there"],
        ["Fairness by age and sex", fairness],
        ["Consent and ethics", "participants of OASIS-1 consented (Marcus et al. 2007)" if oasis else _UNKNOWN],
        ["Foundation models", "see Training"],
        ["Monitoring and maintenance", "none promised; the guard refuses unlike pictures one by one"],
        ["Security", "the file is checked by hash and loaded in a process of its own"],
        ["Usefulness, efficacy, safety in care", "not measured"],
        ["Third-party review, stakeholders consulted", "none known"],
        ["Patient consent or disclosure", "not applicable: no use in care"],
    ]
