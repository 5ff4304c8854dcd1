"""Limits that the gate holds a new model to."""

from dataclasses import dataclass


@dataclass(frozen=True)
class GateSettings:
    """Limits of the gate. A margin is a loss against the champion that nobody would mind.

    Attributes:
        margin: of the AUC of any dementia.
        volume_margin: of the mean absolute error of brain volume, as a share of the intracranial volume.
        age_margin: of the mean absolute error of apparent age, in years.
        brier_margin: of the Brier score of any dementia, which falls with better calibration and better ranking.
        calibration_margin: of the expected calibration error of any dementia.
        group_margin: of the AUC in each group by age and sex.
        floor: the AUC of any dementia must lie above this, whatever the champion does; 0.5 is chance.
        floor_margin: loss of AUC against counting dark pixels; 0 asks for a model that is shown to be better.
        size_ratio: largest size of the model's weights and graph, as a multiple of the champion's.
        latency_ratio: largest time per slice, likewise.
        calls: timed calls of each model; 0 leaves time alone.
        replicates: resamples of the bootstrap over people.
        seed: of the resamples.
    """

    margin: float = 0.05
    volume_margin: float = 0.002
    age_margin: float = 1.0
    brier_margin: float = 0.02
    calibration_margin: float = 0.05
    group_margin: float = 0.05
    floor: float = 0.5
    floor_margin: float = 0.05
    size_ratio: float = 1.1
    latency_ratio: float = 1.25
    calls: int = 200
    replicates: int = 2000
    seed: int = 0
