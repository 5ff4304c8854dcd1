"""The four stages of dementia, in order of severity, and what must be said beside them."""

import re

from alzedge.errors import UserError

# Class order is by severity everywhere: in arrays, tables and every file.
STAGES = ("NonDemented", "VeryMildDemented", "MildDemented", "ModerateDemented")

# Clinical Dementia Rating of each stage (the OASIS-1 design of the Kaggle set).
CDR = (0.0, 0.5, 1.0, 2.0)

TITLES = ("No dementia", "Very mild dementia", "Mild dementia", "Moderate dementia")

DISCLAIMER = "Research software, not a medical device: do not use it to diagnose or to decide on care."


def stage_index(folder: str) -> int | None:
    """Index into `STAGES` of a class folder's name, or None.

    Copies of the Kaggle set spell the classes `MildDemented`, `Mild_Demented`, `mild
    demented`; letters alone decide.
    """
    letters = re.sub("[^a-z]", "", folder.lower())
    names = [stage.lower() for stage in STAGES]
    return names.index(letters) if letters in names else None


def label_of(stage: str) -> int:
    """Index into `STAGES` of a stage's name.

    Raises:
        UserError: the name is none of the four stages.
    """
    index = stage_index(stage)
    if index is None:
        raise UserError(f"{stage!r} is not a stage: the stages are {', '.join(STAGES)}.")
    return index
