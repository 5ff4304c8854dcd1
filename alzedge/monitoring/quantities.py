"""The columns of statistics, schema, drift and log: their names in files, their titles and units for readers."""

from dataclasses import dataclass

from alzedge.monitoring.features import FEATURES
from alzedge.stages import STAGES, TITLES

IMAGE, ANSWER, PERSON = "image", "answer", "person"


@dataclass(frozen=True)
class Quantity:
    """One column.

    Attributes:
        name: in files.
        title: for readers.
        unit: empty where there is none.
        kind: `IMAGE` is measured on the picture, `ANSWER` by the model, `PERSON` known of the person.
    """

    name: str
    title: str
    unit: str
    kind: str

    @property
    def heading(self) -> str:
        """Title with the unit in brackets."""
        return f"{self.title} ({self.unit})" if self.unit else self.title


_IMAGE = {
    "brightness": ("brightness", "grey, 0 to 255"),
    "contrast": ("contrast", "SD of greys"),
    "sharpness": ("sharpness", "Laplacian over contrast"),
    "noise": ("noise and fine detail", "greys"),
    "brain_area": ("brain area", "share of the frame"),
    "csf_share": ("share of CSF", "of the brain's pixels"),
    "centre_row": ("row of the brain's middle", "pixels"),
    "centre_column": ("column of the brain's middle", "pixels"),
    "straight_edge": ("longest straight edge", "share of the brain's width"),
}
_ANSWERS = {
    "unlikeness": ("unlikeness", "guard's distance, 1 is refused"),
    "refused": ("refused by the guard", "share of slices"),
    "any_dementia": ("score for any dementia", ""),
    "brain_volume": ("brain volume by the model", "share of the intracranial volume"),
    "apparent_age": ("apparent age", "years"),
    **{stage: (f"probability of {title.lower()}", "") for stage, title in zip(STAGES, TITLES, strict=True)},
}
_PEOPLE = {
    "height": ("height of the slice", "mm in the frame"),
    "slices": ("slices", "number"),
    "age": ("age", "years"),
    "education": ("education", "as the table codes it"),
    "mmse": ("MMSE", "0 to 30"),
    "etiv": ("intracranial volume of the table", "cm3"),
    "nwbv": ("brain volume of the table", "nWBV"),
}
NUMBERS = {
    name: Quantity(name, *words, kind)
    for kind, several in ((IMAGE, _IMAGE), (ANSWER, _ANSWERS), (PERSON, _PEOPLE))
    for name, words in several.items()
}
TEXTS = {
    "stage": Quantity("stage", "stage", "", PERSON),
    "sex": Quantity("sex", "sex", "", PERSON),
    "source": Quantity("source", "collection", "", PERSON),
}
# Answers that the model makes by another rule where the slices' heights are known.
BY_HEIGHT = ("any_dementia", "brain_volume", "apparent_age")
# Columns of a log's line, all but `slices` means over the person's slices or the answer for the person.
LOGGED = (*FEATURES, "height", "unlikeness", "refused", "any_dementia", "brain_volume", "apparent_age", *STAGES)
# Columns that drift is looked for in. The stages' probabilities repeat the score for any dementia.
WATCHED = tuple(name for name in LOGGED if name not in STAGES)
