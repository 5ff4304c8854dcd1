"""Picture of the proof: what the images tell against OASIS-1's table, under the found order and a shuffled one."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alzedge.data.people.candidates import COVARIATES
from alzedge.data.people.proof import Proof
from alzedge.utils.files import replacing


def draw_proof(proof: Proof, path: Path) -> None:
    """Write two scatter plots of nWBV as a PNG: one point for each person.

    Args:
        proof: of `alzedge.data.people.proof.prove_order`.
        path: file to write.
    """
    from matplotlib.figure import Figure

    column = COVARIATES.index("nWBV")
    figure = Figure(figsize=(9, 4.4), layout="constrained")
    panels = (
        ("order found", proof.table, proof.estimates),
        ("shuffled within each class", proof.shuffled_table, proof.shuffled_estimates),
    )
    limits = (float(proof.table[:, column].min()) - 0.01, float(proof.table[:, column].max()) + 0.01)
    for axes, (title, table, estimates) in zip(figure.subplots(1, 2, sharey=True), panels, strict=True):
        _scatter(axes, table[:, column], estimates[:, column], limits)
        axes.set_title(title, loc="left")
    figure.axes[0].set_ylabel("brain volume told from the images (nWBV)")
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110)


def _scatter(
    axes: Any, table: NDArray[np.float64], estimates: NDArray[np.float64], limits: tuple[float, float]
) -> None:
    axes.plot(limits, limits, color="0.7", linewidth=1, zorder=0)
    axes.scatter(table, estimates, s=14, color="#0072b2", alpha=0.7, linewidths=0)
    correlation = float(np.corrcoef(table, estimates)[0, 1])
    axes.text(0.03, 0.94, f"r = {correlation:.2f}", transform=axes.transAxes, va="top")
    axes.set_xlim(limits)
    axes.set_ylim(limits)
    axes.set_xlabel("OASIS-1's table (nWBV)")
