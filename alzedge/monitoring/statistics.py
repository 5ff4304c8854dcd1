"""Statistics as TensorFlow Data Validation keeps them: `tensorflow_metadata.proto.v0.statistics_pb2`.

A file holds two data sets. `All Examples`, the name by which TFDV finds the default one, has every slice as an example;
`people` has every person. The quantiles of the latter are the sorted values themselves, one bucket from each person to the
next, so that new people can be compared with them; which values belong to one person is not kept.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alzedge.errors import UserError
from alzedge.monitoring.measure import Measured, Sample
from alzedge.utils.extras import require
from alzedge.utils.files import write_bytes
from alzedge.utils.parsing import parsing

SLICES, PEOPLE = "All Examples", "people"
_MODEL = "model_sha256"
_BARS = 24
# So many quantiles of slices, and sorted values of people; of more people every so many-th.
_OF_SLICES, _OF_PEOPLE = 1_001, 4_097
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Summary:
    """Statistics of one column of numbers.

    Attributes:
        known, missing: numbers of values.
        mean, spread: and standard deviation; NaN without values.
        quantiles: sorted, evenly spaced from the lowest value to the highest; of people all values.
        bars: edges of the histogram's bars, one more than there are bars.
        counts: of values in the bars.
    """

    known: int
    missing: int
    mean: float
    spread: float
    quantiles: Floats
    bars: Floats
    counts: Floats


@dataclass(frozen=True)
class Statistics:
    """Statistics of slices, or of people.

    Attributes:
        count: number of them.
        numbers: by name of the column; columns without any value are left out.
        texts: how often each text occurs, by name of the column, those that occur most often first.
    """

    count: int
    numbers: Mapping[str, Summary]
    texts: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class Reference:
    """Statistics of a data set, as written and read.

    Attributes:
        name: of the data set.
        model: SHA-256 of the model that answered; None without one.
        slices: None of a log.
        people: None where nobody knew who is on the slices.
    """

    name: str
    model: str | None
    slices: Statistics | None
    people: Statistics | None


def summarise(measured: Measured) -> Reference:
    """Compute statistics of slices and of people."""
    slices = None if measured.slices is None else _summarised(measured.slices, _OF_SLICES)
    people = None if measured.people is None else _summarised(measured.people, _OF_PEOPLE)
    return Reference(measured.name, measured.model, slices, people)


def summary_of(values: Floats, most: int = _OF_PEOPLE) -> Summary:
    """Statistics of numbers, NaN being missing ones.

    Args:
        values: (N,).
        most: so many quantiles at most.
    """
    known = np.sort(values[~np.isnan(values)])
    if not len(known):
        return Summary(0, len(values), np.nan, np.nan, known, np.zeros(1), np.zeros(0))
    quantiles = known if len(known) <= most else np.quantile(known, np.linspace(0, 1, most), method="nearest")
    counts, bars = np.histogram(known, bins=_BARS) if known[0] < known[-1] else ([len(known)], [known[0]] * 2)
    spread = float(known.std(ddof=1)) if len(known) > 1 else 0.0
    return Summary(
        len(known),
        len(values) - len(known),
        float(known.mean()),
        spread,
        quantiles,
        np.asarray(bars, np.float64),
        np.asarray(counts, np.float64),
    )


def write_statistics(reference: Reference, path: Path) -> None:
    """Write a `DatasetFeatureStatisticsList`, whole or not at all."""
    require("mlops")
    from tensorflow_metadata.proto.v0 import statistics_pb2

    document = statistics_pb2.DatasetFeatureStatisticsList()
    for name, of in ((SLICES, reference.slices), (PEOPLE, reference.people)):
        if of is not None:
            dataset = document.datasets.add(name=name, num_examples=of.count, weighted_num_examples=of.count)
            for column, summary in of.numbers.items():
                _write_numbers(dataset.features.add(), column, summary, reference)
            for column, counts in of.texts.items():
                _write_texts(dataset.features.add(), column, counts, of.count, reference)
    write_bytes(path, document.SerializeToString(deterministic=True))


def read_statistics(path: Path) -> Reference:
    """Read what `write_statistics` wrote.

    Raises:
        UserError: no such file, another one, or a damaged one.
    """
    require("mlops")
    from tensorflow_metadata.proto.v0 import statistics_pb2

    if not path.is_file():
        raise UserError(f"{path}: no such file; make it with `alzedge stats DATA`.")
    data = path.read_bytes()
    with parsing(f"{path}: not statistics or damaged", "make it again with `alzedge stats DATA`."):
        document = statistics_pb2.DatasetFeatureStatisticsList.FromString(data)
        found = {dataset.name: _read(dataset) for dataset in document.datasets}
        told = {name: text for dataset in document.datasets for name, text in _custom(dataset).items()}
    if not found.keys() & {SLICES, PEOPLE} or "name" not in told:
        raise UserError(f"{path}: statistics, but not of `alzedge stats`; make them with `alzedge stats DATA`.")
    return Reference(told["name"], told.get(_MODEL), found.get(SLICES), found.get(PEOPLE))


def _summarised(sample: Sample, most: int) -> Statistics:
    numbers = {name: summary_of(values, most) for name, values in sample.numbers.items() if not np.isnan(values).all()}
    texts = {}
    for name, values in sample.texts.items():
        found, counts = np.unique(values[values != ""], return_counts=True)
        if len(found):
            often = sorted(zip(counts.tolist(), found.tolist(), strict=True), key=lambda pair: (-pair[0], pair[1]))
            texts[name] = {text: count for count, text in often}
    return Statistics(len(sample), numbers, texts)


def _write_numbers(feature: Any, name: str, summary: Summary, reference: Reference) -> None:
    from tensorflow_metadata.proto.v0 import statistics_pb2 as pb

    _head(feature, name, pb.FeatureNameStatistics.FLOAT, reference)
    of = feature.num_stats
    _common(of.common_stats, summary.known, summary.missing)
    of.mean, of.std_dev = summary.mean, summary.spread
    quantiles = summary.quantiles
    of.num_zeros = int((quantiles == 0).sum())
    of.min, of.median, of.max = float(quantiles[0]), float(np.median(quantiles)), float(quantiles[-1])
    bars = of.histograms.add(type=pb.Histogram.STANDARD, num_undefined=summary.missing)
    for low, high, count in zip(summary.bars[:-1], summary.bars[1:], summary.counts, strict=True):
        bars.buckets.add(low_value=low, high_value=high, sample_count=count)
    edges = quantiles if len(quantiles) > 1 else np.repeat(quantiles, 2)
    each = of.histograms.add(type=pb.Histogram.QUANTILES, num_undefined=summary.missing)
    for low, high in itertools.pairwise(edges):
        each.buckets.add(low_value=low, high_value=high, sample_count=summary.known / (len(edges) - 1))


def _write_texts(feature: Any, name: str, counts: Mapping[str, int], total: int, reference: Reference) -> None:
    from tensorflow_metadata.proto.v0 import statistics_pb2 as pb

    _head(feature, name, pb.FeatureNameStatistics.STRING, reference)
    of, known = feature.string_stats, sum(counts.values())
    _common(of.common_stats, known, total - known)
    of.unique = len(counts)
    of.avg_length = sum(len(text) * count for text, count in counts.items()) / known
    for rank, (text, count) in enumerate(counts.items()):
        of.top_values.add(value=text, frequency=count)
        of.rank_histogram.buckets.add(low_rank=rank, high_rank=rank, label=text, sample_count=count)


def _head(feature: Any, name: str, kind: int, reference: Reference) -> None:
    feature.path.step.append(name)
    feature.type = kind
    feature.custom_stats.add(name="name", str=reference.name)
    if reference.model is not None:
        feature.custom_stats.add(name=_MODEL, str=reference.model)


def _common(common: Any, known: int, missing: int) -> None:
    common.num_non_missing, common.num_missing, common.tot_num_values = known, missing, known
    common.min_num_values = common.max_num_values = 1
    common.avg_num_values = 1


def _custom(dataset: Any) -> dict[str, str]:
    return {one.name: one.str for feature in dataset.features for one in feature.custom_stats}


def _read(dataset: Any) -> Statistics:
    numbers, texts = {}, {}
    for feature in dataset.features:
        (name,) = feature.path.step
        if feature.HasField("num_stats"):
            numbers[name] = _read_numbers(feature.num_stats)
        else:
            texts[name] = {
                bucket.label: int(bucket.sample_count) for bucket in feature.string_stats.rank_histogram.buckets
            }
    return Statistics(int(dataset.num_examples), numbers, texts)


def _read_numbers(of: Any) -> Summary:
    known, missing = int(of.common_stats.num_non_missing), int(of.common_stats.num_missing)
    bars, each = of.histograms
    edges = np.array([[bucket.low_value, bucket.high_value] for bucket in bars.buckets])
    values = np.array([each.buckets[0].low_value, *(bucket.high_value for bucket in each.buckets)])
    if not np.isfinite(values).all():
        raise ValueError("a value that is not finite")
    counts = np.array([bucket.sample_count for bucket in bars.buckets])
    return Summary(
        known,
        missing,
        of.mean,
        of.std_dev,
        values if known > 1 else values[:1],
        np.append(edges[:, 0], edges[-1, 1]),
        counts,
    )
