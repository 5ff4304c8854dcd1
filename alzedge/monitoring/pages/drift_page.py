"""The page of a comparison: the verdict, then every feature, those that drifted most first."""

from collections.abc import Mapping
from xml.etree import ElementTree as ET

import numpy as np
from numpy.typing import NDArray

from alzedge.monitoring.drift import Drift, FeatureDrift
from alzedge.monitoring.pages.charts import two_histograms
from alzedge.monitoring.pages.page import Cell, add_table, add_text, finished, new_page
from alzedge.monitoring.pages.words import mean_text, number_text, p_text, power_sentence, verdict
from alzedge.monitoring.quantities import NUMBERS

Columns = Mapping[str, NDArray[np.float64]]
_HEADER = ("", "reference and new", "reference", "new", "shift", "Cliff's delta", "P, corrected", "")


def drift_page(drift: Drift, new_name: str, reference: Columns, new: Columns) -> str:
    """Write a comparison as one HTML page that needs nothing else.

    Args:
        drift: the comparison.
        new_name: of the log.
        reference, new: the values compared, by name of the feature; NaN is unknown.
    """
    document, body = new_page(f"Drift of {new_name} against {drift.reference}")
    add_text(body, verdict(drift), kind="verdict")
    add_text(
        body,
        f"{drift.new:,} new people against {drift.people:,} of the reference. {power_sentence(drift)}",
        "A value is a person's mean over their slices. P values are of permutation tests over people (Cramér-von Mises), "
        "corrected for the number of features (Holm); a shift is in standard deviations of the reference.",
    )
    key = ET.SubElement(body, "p")
    ET.SubElement(key, "span", {"class": "key-reference"}).text = "Bars: reference. "
    ET.SubElement(key, "span", {"class": "key-new"}).text = "Line: new."
    rows = [_row(name, feature, reference[name], new[name]) for name, feature in drift.features.items()]
    add_table(body, _HEADER, rows, [feature.drifted for feature in drift.features.values()])
    if drift.left_out:
        ET.SubElement(body, "h2").text = "Not compared"
        add_text(body, *(f"{NUMBERS[name].title}: {why}." for name, why in drift.left_out.items()))
    return finished(document, "alzedge drift")


def _row(name: str, feature: FeatureDrift, reference: NDArray[np.float64], new: NDArray[np.float64]) -> list[Cell]:
    quantity, effect = NUMBERS[name], feature.effect
    sides = [one[~np.isnan(one)] for one in (reference, new)]
    return [
        (quantity.title, quantity.unit),
        two_histograms(*sides, f"{quantity.title}: reference and new"),
        mean_text(feature.mean, feature.spread),
        mean_text(feature.new_mean, feature.new_spread),
        (f"{number_text(effect.shift)} SD", f"spread × {number_text(effect.spread)}"),
        (number_text(effect.delta), effect.word),
        (p_text(feature.adjusted), f"alone {p_text(feature.p)}"),
        "drifted" if feature.drifted else "",
    ]
