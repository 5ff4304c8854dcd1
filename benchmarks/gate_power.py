"""Chances of the gate, measured on two models' stored predictions: python benchmarks/gate_power.py NEW.csv OTHER.csv DATA... --people CSV

Two *equal* models are made of two real ones: for each person a coin decides whose answers count as the new model's, so that
neither is better, and they differ as trained models do. A *worse* one has the answers of some people exchanged among them.
Cohorts are drawn without replacement, the gate is asked about each, and its outcomes are counted: once with the comparisons
alone, and once with the floors, which the models must be shown to reach.
"""

import argparse
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np

from alzedge.data.joining import join_datasets
from alzedge.data.loading import load_dataset
from alzedge.export.evaluate.gate.compare import check_people
from alzedge.export.evaluate.gate.held_out import choose_held_out
from alzedge.export.evaluate.gate.people import PairedPeople, pair_people
from alzedge.export.evaluate.gate.settings import GateSettings
from alzedge.export.evaluate.sources import open_sources
from alzedge.metrics.people.person_answers import PersonAnswers
from alzedge.model_file.decision import Decision, Outcome
from alzedge.runs.recipe_file import load_recipe

SIZES, SHARES = (40, 100, 200, 360), (0.0, 0.3, 0.6)


def mixed(own: PersonAnswers, other: PersonAnswers, chosen: np.ndarray) -> PersonAnswers:
    """Answers of `own`, and where chosen those of `other`."""
    pairs = ((getattr(own, name), getattr(other, name)) for name in ("probabilities", "brain_volume", "age"))
    return PersonAnswers(*(np.where(chosen[:, None], theirs, ours) for ours, theirs in pairs), None)


def draw(people: PairedPeople, size: int, share: float, rng: np.random.Generator) -> PairedPeople:
    """A cohort with two equal models, the new one spoiled for a share of the people."""
    cohort = people.take(rng.permutation(len(people))[:size])
    assert cohort.champion is not None
    coin = rng.random(len(cohort)) < 0.5
    new, champion = mixed(cohort.new, cohort.champion, coin), mixed(cohort.champion, cohort.new, coin)
    spoiled = np.flatnonzero(rng.random(len(cohort)) < share)
    order = np.arange(len(cohort))
    order[spoiled] = rng.permutation(spoiled)
    probabilities = new.probabilities[order]
    return replace(cohort, new=replace(new, probabilities=probabilities), champion=champion)


def main() -> None:
    """Read, simulate, print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("predictions", nargs=2, type=Path)
    parser.add_argument("data", nargs="+", type=Path)
    parser.add_argument("--people", type=Path)
    parser.add_argument("--draws", type=int, default=100)
    arguments = parser.parse_args()
    dataset = join_datasets(*(load_dataset(path, people=arguments.people) for path in arguments.data))
    recipe = load_recipe("measure")
    opened = open_sources(arguments.predictions, dataset, recipe)
    sources = [opened[path] for path in arguments.predictions]
    held_out = choose_held_out(sources, dataset, recipe.fold)
    first, second = (source.answer(held_out.rows) for source in sources)
    settings, rng = GateSettings(replicates=400), np.random.default_rng(0)
    print(
        "source   people  new model is  AUC lost  comparisons: blessed refused cannot  with floors: blessed refused cannot"
    )
    for people in pair_people(first, second, dataset, held_out.rows, held_out.sides):
        for size in (size for size in SIZES if size <= len(people)):
            for share in SHARES:
                compared, whole, lost = Counter[Outcome](), Counter[Outcome](), []
                for _ in range(arguments.draws):
                    checks = check_people(draw(people, size, share, rng), settings).checks
                    with_champion = tuple(check for check in checks if "champion" in check.name)
                    lost += [-check.value for check in checks if check.name.startswith("AUC, new less champion")]
                    for counter, some in ((compared, with_champion), (whole, checks)):
                        counter[Decision(some, None, None, "", size, "").outcome] += 1
                counts = [
                    [f"{counter[outcome] / arguments.draws:7.0%}" for outcome in Outcome]
                    for counter in (compared, whole)
                ]
                kind = "equal" if share == 0 else f"worse ({share:g})"
                print(
                    f"{people.source:8} {size:6}  {kind:12}  {np.mean(lost):8.3f}  {' '.join(counts[0]):>35}  {' '.join(counts[1]):>35}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
