"""Paragraphs of a model card on what the file is, use, data, leakage, limits and cost."""

from collections.abc import Mapping

from alzedge.export.benchmark.results import Benchmark
from alzedge.inference.measures.rule import Measures
from alzedge.metrics.split_evaluation import Quote
from alzedge.metrics.tasks import STAGES4
from alzedge.model_file.read_write import Record, Role, kind_of

# Kaggle's name of the set, which has no copy on the Hub with the names that tell people apart.
KAGGLE = "tourist55/alzheimers-dataset-4-class-of-images"
_KAGGLE_PAGE = f"https://www.kaggle.com/datasets/{KAGGLE}"
_NO_IMAGE = (
    "No image of it is in this repository. The entry `datasets` above is the name of the set on Kaggle, not on the Hub."
)
# Slices and people of the Kaggle set: no fingerprint, for that changes with the archive's packing.
_KAGGLE_SIZE = (6400, 200)
# The same of its identified people beside the 370 of OASIS-1's public scans at 2 mm that come into the frame.
_WITH_SCANS = (15152, 361)


def is_kaggle(record: Record) -> bool:
    """True when a model was made from the Kaggle 4-class set, alone or beside OASIS-1's scans, by its size."""
    data = record["dataset"]
    return not data["synthetic"] and (data["slices"], data["people"]) in (_KAGGLE_SIZE, _WITH_SCANS)


def has_scans(record: Record) -> bool:
    """True when OASIS-1's scans were part of the data, by its size."""
    return (record["dataset"]["slices"], record["dataset"]["people"]) == _WITH_SCANS


def intended_use(record: Record) -> str:
    """Describe who may use the model for what, and what it is not for."""
    allowed = """For people who build and compare small networks: app, browser and Raspberry Pi developers who want a real image
model to start from, students and researchers of distillation, quantization and honest evaluation.

**Out of scope**: diagnosis, screening, triage, prognosis, insurance, employment, and any other decision about a person, also
as one signal among others; slices of another orientation, sequence, scanner, resolution or preparation; training other
models on its answers as if they were labels. It is approved for nothing."""
    if record["dataset"]["synthetic"]:
        return f"To try AlzEdge out. The model was trained on phantoms and knows nothing of people.\n\n{allowed}"
    return allowed


def data_section(record: Record) -> str:
    """Describe the data of training and test, their origin and licence."""
    data, split = record["dataset"], record["split"]
    if data["synthetic"]:
        return (
            f"{data['slices']} synthetic slices of {data['people']} phantoms, drawn from formulas. "
            "**Phantoms are not medical data; no figure here says anything about people.**"
        )
    people = f"{data['people']} people" if data["people"] else "people unknown"
    counts = (
        f"`{data['name']}`: {data['slices']} slices, {people}; {split['training_slices']} slices trained this model, "
        f"{split['test_slices']} tested it ({split['description']}). Its SHA-256 over names and pixels is "
        f"`{data['fingerprint']}`."
    )
    if not is_kaggle(record):
        return f"{counts} Its licence and origin are not in the record: ask who published this model."
    if has_scans(record):
        return _two_sources(counts)
    return f"""[Alzheimer's Dataset (4 class of images)]({_KAGGLE_PAGE}) of Kaggle, under the Open Database License 1.0. Its images
are slices of [OASIS-1](https://sites.wustl.edu/oasisbrains/), skull-stripped and registered; the stages are Clinical Dementia
Ratings. {counts} {_NO_IMAGE}"""


def _two_sources(counts: str) -> str:
    """Describe the Kaggle set's slices and OASIS-1's scans, of which many are of the same people."""
    return f"""Two sources, both of [OASIS-1](https://sites.wustl.edu/oasisbrains/) (Marcus et al. 2007):

- **kaggle**: [Alzheimer's Dataset (4 class of images)]({_KAGGLE_PAGE}), under the Open Database License 1.0: slices of
  OASIS-1, skull-stripped and registered. People whose identity in OASIS-1's table is not certain were left out.
- **oasis1**: OASIS-1's own scans, skull-stripped, at 2 mm, under its terms of use; brought into the same frame and cut by
  `alzedge prepare`.

Many people are in both; no person trains in one source and tests in the other. The stages are Clinical Dementia Ratings; age,
sex and brain volume are of OASIS-1's table. {counts} {_NO_IMAGE}"""


def leakage(record: Record, quotes: Mapping[str, Quote], benchmark: Benchmark | None, name: str) -> str:
    """Describe what the splits share, and what was done about it."""
    data, split = record["dataset"], record["split"]
    if data["people"] is None:
        return (
            "Nobody knows who is on which slice of this data set, so slices of one person may be on both sides, and "
            "**nothing is claimed about unseen people**."
        )
    parts = []
    official = quotes.get("official")
    if official and official.unseen_people is False:
        nearest_neighbour = official.baselines["nearest_neighbour"]
        parts.append(
            "**The published split leaks**: its test images are other slices of the people in its training images "
            "(`alzedge audit` shows it from the file names and from the pixels). A method that only looks for the most "
            f"similar training slice is right for {nearest_neighbour:.1%} of them. So the official figures measure recognition of "
            "people as much as of dementia. They are here because others report them; the figures on unseen people are the "
            "ones to cite."
        )
    elif has_scans(record):
        parts.append(
            "**The split published with the Kaggle set leaks people**: its test images are other slices of the people in its "
            "training images (`alzedge audit` shows it). It is therefore not used here."
        )
    if split["unseen_people"]:
        parts.append(
            f"**What was done**: {split['test_people']} people were held out whole ({split['description']}). Neither "
            "pre-training, fine-tuning, distillation, the calibration of the quantization, nor the choice of thresholds has "
            "seen a slice of them."
        )
    else:
        parts.append(
            "**This file was trained on slices of the people who test it**; do not cite its figures as if it had not."
        )
    for title, evaluated in (benchmark.splits if benchmark else {}).items():
        seen = evaluated.exposure.get(name)
        if seen and not seen.unseen_people:
            parts.append(f"On the {title} split the model measured was: {_lower(seen.statement)}")
    return "\n\n".join(parts)


def opening(record: Record) -> str:
    """Say in two sentences what the file is and what it answers."""
    kind = kind_of(record)
    measures = Measures.read(record)
    measured = measures is not None and measures.has_brain_volume
    what = "A ResNet teacher in the manner of SimCLRv2"
    if kind.role is Role.STUDENT:
        what = "A student of three convolutions, "
        what += (
            f"trained on stages{' and measured quantities' if measured else ''} without a teacher,"
            if taught_by_truth(record)
            else "distilled from a ResNet teacher in the manner of SimCLRv2"
        )
        what += ", from a regression on each person's share of cerebrospinal fluid" if taught_by_csf(record) else ""
        what += " and quantized to whole numbers" if "int8" in kind.format else ""
    besides = ", with brain volume and apparent age, each with its interval (see What it measures)" if measured else ""
    return (
        f"{what}. It gives the probabilities of four stages of dementia for one skull-stripped axial T1 slice, 176 wide and "
        f"208 high, 8-bit grey{besides}. Made with AlzEdge {record['alzedge']}; the file's record says `{kind}`."
    )


def taught_by_csf(record: Record) -> bool:
    """True when a regression on CSF took part in teaching the student; the record calls it `fluid`."""
    return bool((record.get("soft_targets") or {}).get("fluid"))


def taught_by_truth(record: Record) -> bool:
    """True when the student learned from its people's stages and measures alone, and no teacher took part."""
    return bool(record["recipe"].get("distill", {}).get("truth") == 1)


def soft_targets(record: Record) -> str:
    """Describe the teachers of the student and their calibration, where the record does; ends in a space."""
    targets = record.get("soft_targets") or {}
    if not targets.get("cross_fit"):
        return ""
    csf = (
        " and a regression on the person's share of cerebrospinal fluid, cross-fitted alike"
        if targets.get("fluid")
        else ""
    )
    return (
        f"The student learned from {targets['cross_fit']} teachers, each asked only about training people it had not seen{csf}; "
        f"one temperature, {targets['temperature']:.3f}, fitted on those answers, calibrated what it learned. "
    )


def limits(record: Record, benchmark: Benchmark | None, name: str) -> str:
    """List what the figures do not show."""
    points = [
        (
            "It knows slices of one preparation: axial, upright, skull-stripped T1. It was not tested on slices of another scanner, "
            "hospital or sequence."
        ),
        "A probability is the model's own word; the section on calibration says how far to believe it.",
    ]
    if not record["dataset"]["people"]:
        points.append("People are unknown, so the intervals, over slices, are narrower than the truth.")
    else:
        tested = record["split"]["test_people"]
        points.append(
            f"{tested} people tested this file: the intervals are as wide as that makes them, and one fold may be an easy one."
        )
    if is_kaggle(record):
        points += [
            (
                f"{_moderate(benchmark, name)} of the data set's people have moderate dementia: nothing is claimed about that "
                "stage alone, and answers of it mean nothing."
            ),
            (
                "Brains shrink with age too, and people without dementia are younger in the data set: part of what looks like "
                "dementia to it may be age."
            ),
            "All images are of one study and one scanner.",
            (
                f"Brightness and contrast {'of the Kaggle slices ' if has_scans(record) else ''}were stretched slice by slice by "
                "whoever made the data set."
            ),
        ]
    return "\n".join(f"- {point}" for point in points)


def _people_by_stage(benchmark: Benchmark | None, name: str) -> dict[str, int]:
    """People of each stage in the split that tests on the most, empty when unknown."""
    splits = benchmark.splits.values() if benchmark else []
    evaluations = [evaluated.models[name] for evaluated in splits if name in evaluated.models]
    counts = [evaluation.by_person.details[STAGES4.name].people or {} for evaluation in evaluations]
    return max(counts, key=lambda people: sum(people.values()), default={})


def _moderate(benchmark: Benchmark | None, name: str) -> str:
    counts = _people_by_stage(benchmark, name)
    if sum(counts.values()) != _KAGGLE_SIZE[1]:
        return "Hardly any"
    return f"Only {counts[STAGES4.classes[-1]]} of {sum(counts.values())}"


def cost(benchmark: Benchmark | None) -> str:
    """Describe what training took, as far as it was measured."""
    training = benchmark.training if benchmark else None
    if training is None or not training.seconds:
        return (
            "Not measured: neither the file nor its benchmark says how long training took, and no energy was metered."
        )
    total = sum(training.seconds.values())
    phases = ", ".join(f"{name} {value / 60:.1f}" for name, value in training.seconds.items())
    return (
        f"The training phases of the run took {total / 60:.1f} minutes of wall-clock time on a machine with "
        f"{training.processors} processors ({training.machine}); minutes by phase: {phases}. What an interrupted process "
        "did before is not in it, and whether TensorFlow used an accelerator is not recorded. Energy was not metered, so no "
        "emissions are claimed."
    )


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
