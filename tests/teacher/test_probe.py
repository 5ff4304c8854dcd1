"""Probe, neighbours and picture on features with a known structure; the command on a tiny run; curves of a training."""

import json
from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest
from helpers.commands import call_cli

from alzedge.runs.recipe import TeacherRecipe
from alzedge.teacher.networks.heads import contrastive_model
from alzedge.teacher.networks.resnet import resnet
from alzedge.teacher.probe import features_of, probe_scores, tsne_picture
from alzedge.teacher.training.tracking import recorded
from alzedge.utils.progress import Step, quiet

RNG = np.random.default_rng(0)
LABELS = np.arange(120) % 4


def test_features_are_the_encoder_s_whatever_stands_on_it() -> None:
    encoder = resnet(TeacherRecipe(width=0.0625), (52, 44, 1))
    images = RNG.random((5, 52, 44, 1), dtype=np.float32)
    expected = encoder.predict_on_batch(images)
    np.testing.assert_allclose(features_of(contrastive_model(encoder), images), expected, atol=1e-6)


def test_probe_and_neighbours_find_groups_and_only_where_there_are_some() -> None:
    centres = 6 * np.eye(4, 16, dtype=np.float32)
    groups = centres[LABELS] + RNG.normal(size=(120, 16)).astype(np.float32)
    noise = RNG.normal(size=(120, 16)).astype(np.float32)
    for features, low, high in ((groups, 0.95, 1.0), (noise, 0.0, 0.5)):
        scores = probe_scores(features[:80], LABELS[:80], features[80:], LABELS[80:])
        assert list(scores)[:2] == ["linear probe", "20 nearest neighbours"] and "chain" in list(scores)[2]
        assert all(low <= value <= high for found in scores.values() for value in astuple(found))


def test_the_picture_is_a_picture(tmp_path: Path) -> None:
    tsne_picture(RNG.normal(size=(20, 8)).astype(np.float32), LABELS[:20], tmp_path / "tsne.png")
    assert (tmp_path / "tsne.png").read_bytes().startswith(b"\x89PNG")


def test_the_command_probes_a_pretrained_encoder(tiny_run: Path, tiny_recipe: Path, tmp_path: Path) -> None:
    encoder = tiny_run / "subject" / "pretrained.keras"
    result = call_cli("probe", encoder, "--recipe", tiny_recipe, "--out", tmp_path / "probe")
    assert result.returncode == 0, result.stderr
    figures = json.loads((tmp_path / "probe" / "probe.json").read_text())["per slice, four stages"]
    assert all(0 <= value <= 1 for found in figures.values() for value in found.values())
    assert (tmp_path / "probe" / "tsne.png").is_file() and "linear probe: accuracy" in result.stdout


def test_a_run_leaves_curves_for_tensorboard(tiny_run: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util.tensor_util import make_ndarray

    for phase, file in (("pretrain", "pretrained"), ("finetune", "teacher")):
        folder = tiny_run / "subject" / "events" / phase
        assert sum(path.stat().st_size for path in folder.iterdir()) < 10_000
        events = EventAccumulator(str(folder), size_guidance={"tensors": 0})
        events.Reload()
        written = [float(make_ndarray(event.tensor_proto)) for event in events.Tensors("loss")]
        losses = json.loads((tiny_run / "subject" / f"{file}.loss.json").read_text())
        np.testing.assert_allclose(written, losses, rtol=1e-5)


@pytest.mark.slow
def test_weights_and_biases_keeps_a_curve_offline(tmp_path: Path) -> None:
    with recorded(tmp_path, quiet, "tests") as on_step:
        for epoch in (1, 2):
            on_step(Step(epoch, 2, epoch, 2, 1 / epoch))
    assert list(tmp_path.glob("wandb/offline-run-*/*.wandb"))
