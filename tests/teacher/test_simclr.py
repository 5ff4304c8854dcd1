"""Google's SimCLRv2 checkpoints load from all three layouts and give the original code's outputs."""

import shutil
import threading
import zipfile
from dataclasses import asdict, replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import keras
import numpy as np
import pytest
from helpers.commands import assert_refused, run_cli
from helpers.reference_checkpoints import (
    REFERENCE,
    Spec,
    assert_close,
    load_spec,
    narrowed,
    regenerate,
    without,
    write_layout,
    write_tf2,
)

from alzedge.errors import UserError
from alzedge.imaging.preprocessing import Preprocessing
from alzedge.model_file.read_write import make_record, read_keras_record
from alzedge.runs.recipe import FinetuneRecipe, Recipe, TeacherRecipe
from alzedge.teacher import load_simclrv2
from alzedge.teacher.keras_file import load_model, save_model
from alzedge.teacher.networks.resnet import resnet
from alzedge.teacher.simclrv2.init import read_start
from alzedge.teacher.simclrv2.load import load_pretrained
from alzedge.teacher.simclrv2.variables import read_variables

R18 = load_spec("variables_r18_1x_sk0")
NARROW = narrowed(R18)


def expected(npz: str, batch: str, head_layer: int, projection: bool = True) -> dict[str, np.ndarray]:
    stored = np.load(REFERENCE / npz)
    outputs = {"features": stored[f"{batch}__final_avg_pool"], "logits": stored[f"{batch}__logits_sup_sel{head_layer}"]}
    return outputs | ({"projection": stored[f"{batch}__proj_3"]} if projection else {})


@pytest.fixture(scope="module")
def r18(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As Google's folders are: the checkpoint with averages, and hub/STEP in it."""
    folder = tmp_path_factory.mktemp("simclrv2") / "finetuned_10pct" / "r18_1x_sk0"
    regenerate.write_ckpt(R18, str(folder), ema=True)
    regenerate.write_hub(R18, str(folder / "hub" / "37535"))
    return folder


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_layout("ckpt", tmp_path_factory.mktemp("narrow") / "r18", NARROW)


@pytest.mark.parametrize("batch", ["a", "b"])
def test_a_tf1_checkpoint_gives_the_original_s_outputs(r18: Path, batch: str) -> None:
    # Each size of batch, and each layer of the projection head the classifier may sit on; 1 is told by the folder.
    for given, head_layer in [(None, 1), (0, 0), (2, 2)] if batch == "b" else [(0, 0)]:
        model = load_simclrv2(r18, given)
        assert model.input_shape == (None, None, None, 3)
        outputs = model(regenerate.reference_images(batch), training=False)
        assert_close(outputs, expected("reference_r18_1x_sk0.npz", batch, head_layer))


def test_optimizer_slots_tell_where_the_supervised_head_sits(tmp_path: Path) -> None:
    images = regenerate.reference_images("b")[:, ::4, ::4]
    kernels = [f"head_contrastive/nl_{k}/dense/kernel" for k in range(3)]
    # Fine-tuning from the features, from the first layer, and pre-training, which reaches the whole head.
    for reached, head_layer in [(0, 0), (1, 1), (3, 0)]:
        spec = {**NARROW, "variables": list(NARROW["variables"])}
        shapes = {variable["name"]: variable["shape"] for variable in spec["variables"]}
        for name in kernels[:reached]:
            spec["variables"].append({"name": f"{name}/Momentum", "shape": shapes[name], "group": "slot"})
        folder = tmp_path / "finetuned_10pct" / str(reached)
        regenerate.write_ckpt(spec, str(folder), slots=True)
        found, told = (load_simclrv2(folder, given)(images)["logits"] for given in (None, head_layer))
        np.testing.assert_array_equal(found, told)
        other = load_simclrv2(folder, 1 - head_layer)(images)["logits"]
        assert np.abs(np.asarray(found) - np.asarray(other)).max() > 1e-2


def test_a_hub_module_and_a_prefix_give_the_original_s_outputs(r18: Path) -> None:
    images = regenerate.reference_images("b")
    outputs = load_simclrv2(r18 / "hub")(images, training=False)
    assert_close(outputs, expected("reference_r18_1x_sk0.npz", "b", 0, projection=False))
    outputs = load_simclrv2(r18 / "model.ckpt-37535")(images, training=False)
    assert_close(outputs, expected("reference_r18_1x_sk0.npz", "b", 1))


def test_a_tf2_saved_model_gives_the_original_s_outputs(tmp_path: Path) -> None:
    write_tf2(load_spec("tf2_variables_r18_1x_sk0"), tmp_path)
    outputs = load_simclrv2(tmp_path)(regenerate.reference_images("b"), training=False)
    assert_close(outputs, expected("reference_r18_1x_sk0.npz", "b", 0))


def test_batch_norm_learns_as_in_the_original(r18: Path) -> None:
    # global_bn=True is how the checkpoints were trained; False differs by Bessel's correction of the variances.
    stored = np.load(REFERENCE / "reference_bn_train_r18.npz")
    count, rows, columns, _ = stored["batch"]
    model = load_simclrv2(r18)
    outputs = model(regenerate.images("bn", count, rows, columns), training=True)
    kept = {"features": outputs["features"], "projection": outputs["projection"]}
    ours = {f"base_model/{w.path}": w.numpy() for layer in model.layers for w in layer.weights}
    for name in [key.split("|")[1] for key in stored.files if key.startswith("global_bn_True|")]:
        if "/" in name:
            path = name.replace("head_contrastive/nl_", "base_model/head_contrastive_nl_")
            kept[name] = ours[path.replace("/batch", "_batch") if "nl_" in path else path]
    want = {key.split("|")[1]: stored[key] for key in stored.files if key.startswith("global_bn_True|")}
    renamed = {"final_avg_pool": "features", "proj_3": "projection"}
    assert_close(kept, {renamed.get(name, name): value for name, value in want.items()})


@pytest.mark.parametrize("selective", [False, True])
def test_depth_50_has_the_original_s_variables(selective: bool) -> None:
    encoder = resnet(TeacherRecipe(depth=50, width=1.0, selective_kernels=selective), (None, None, 3))
    ours = [(f"base_model/{w.path}", list(w.shape)) for layer in encoder.layers for w in layer.weights]
    spec = load_spec(f"variables_r50_1x_sk{int(selective)}")["variables"]
    original = [(v["name"], v["shape"]) for v in spec if v["name"].startswith("base_model/")]
    assert sorted(ours) == sorted(original)


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["ckpt", "hub", "tf2"])
@pytest.mark.parametrize("network", ["r50_1x_sk0", "r50_1x_sk1"])
def test_depth_50_gives_the_original_s_outputs(network: str, layout: str, tmp_path: Path) -> None:
    tf2 = load_spec(f"tf2_variables_{network}") if layout == "tf2" else None
    write_layout(layout, tmp_path, load_spec(f"variables_{network}"), tf2)
    outputs = load_simclrv2(tmp_path)(regenerate.reference_images("b"), training=False)
    assert_close(outputs, expected(f"reference_{network}.npz", "b", 0, projection=layout != "hub"))


@pytest.mark.slow
def test_selective_kernels_survive_a_keras_file(tmp_path: Path) -> None:
    model = resnet(TeacherRecipe(depth=50, width=0.0625, selective_kernels=True), (52, 44, 1))
    save_model(model, tmp_path / "model.keras", make_record("pretrained", Preprocessing()))
    images = np.random.default_rng(0).random((2, 52, 44, 1), np.float32)
    again, _ = load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again(images), model(images))


def test_a_grey_slice_is_the_same_as_its_copy_in_three_channels(narrow: Path) -> None:
    grey = np.random.default_rng(0).random((2, 52, 44, 1), np.float32)
    projection = load_pretrained(read_variables(str(narrow)), (52, 44, 1))(grey)
    of_colours = load_simclrv2(narrow)(np.repeat(grey, 3, axis=-1))["projection"]
    np.testing.assert_allclose(projection, of_colours, rtol=1e-4, atol=1e-5)


def test_archives_and_addresses_are_unpacked_and_kept(
    narrow: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path / "cache"))
    of_folder = _first_features(narrow)
    for kind in ("zip", "gztar"):
        archive = shutil.make_archive(str(tmp_path / "finetuned"), kind, narrow.parent)
        np.testing.assert_array_equal(_first_features(archive), of_folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/finetuned.tar.gz"
    np.testing.assert_array_equal(_first_features(address), of_folder)
    _refused(f"http://127.0.0.1:{server.server_port}/nothing.tar.gz", "not found")
    _refused(f"http://127.0.0.1:{server.server_port}/finetuned.zip", "does not lead to a .tar.gz")
    server.shutdown()
    server.server_close()
    np.testing.assert_array_equal(_first_features(address), of_folder)
    _refused(f"http://127.0.0.1:{server.server_port}/other.tar.gz", "cannot be fetched", "network")


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def _first_features(address: Path | str) -> np.ndarray:
    return np.asarray(load_simclrv2(address)(regenerate.images("a", 1, 64, 64))["features"])


def _refused(address: Path | str, *words: str, head_layer: int | None = None) -> None:
    with pytest.raises(UserError) as caught:
        load_simclrv2(address, head_layer)
    message = str(caught.value)
    assert "\n" not in message and message.endswith("."), message
    assert str(address) in message
    assert [word for word in words if word not in message] == [], message


def _changed(name: str, shape: list[int]) -> Spec:
    spec = without(NARROW, name)
    spec["variables"].append({"name": name, "shape": shape, "group": "trainable"})
    return spec


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (without(NARROW, "base_model/conv2d_7/"), ["base_model/conv2d_7/kernel missing"]),
        (without(NARROW, "base_model/conv2d/"), ["no base_model/conv2d/kernel"]),
        # Three blocks in the last group instead of two.
        (_changed("base_model/conv2d_21/kernel", [3, 3, 32, 32]), ["base_model/conv2d_21/kernel unexpected"]),
        (_changed("base_model/conv2d_4/kernel", [3, 3, 4, 5]), ["conv2d_4/kernel (3x3x4x5 instead of 3x3x4x4)"]),
        (_changed("strange/bias", [2]), ["strange/bias unexpected"]),
        # The end of depth 18 is gone; what is missing is listed, at length but not endlessly.
        (without(NARROW, *(f"base_model/batch_normalization_1{i}" for i in range(10))), [" and ", " more missing"]),
        (_changed("head_supervised/linear_layer/dense/kernel", [7, 62]), ["reads 7 values"]),
    ],
)
def test_what_does_not_fit_is_listed(spec: Spec, words: list[str], tmp_path: Path) -> None:
    _refused(write_layout("ckpt", tmp_path, spec), *words)


def test_bad_checkpoints_are_told_in_a_sentence(narrow: Path, tmp_path: Path) -> None:
    _refused(tmp_path / "nowhere", "no checkpoint is there")
    (tmp_path / "empty").mkdir()
    _refused(tmp_path / "empty", "holds no checkpoint")
    _refused(narrow, "head_layer 0, 1, 2", "not 3", head_layer=3)
    broken = shutil.copytree(narrow, tmp_path / "broken")
    data = next(broken.glob("*.data-*"))
    data.write_bytes(data.read_bytes()[:-10_000])
    _refused(broken, "damaged or incomplete")
    data.unlink()
    _refused(broken, "damaged or incomplete")
    next(broken.glob("*.index")).write_bytes(b"nonsense")
    _refused(broken, "damaged or incomplete")
    for name in ("cut.zip", "cut.tar.gz", "cut.tgz"):
        (tmp_path / name).write_bytes(b"PK no archive")
        _refused(tmp_path / name, "damaged or not an archive")
    with zipfile.ZipFile(tmp_path / "none.zip", "w") as archive:
        archive.writestr("readme.txt", "nothing")
    _refused(tmp_path / "none.zip", "holds no checkpoint")
    shutil.copytree(narrow, tmp_path / "two" / "one")
    shutil.copytree(narrow, tmp_path / "two" / "other")
    _refused(tmp_path / "two", "holds 2 checkpoints")


def test_a_head_on_layers_that_are_not_there_is_refused(tmp_path: Path) -> None:
    start = read_start(str(write_layout("hub", tmp_path / "hub", NARROW)))
    with pytest.raises(UserError, match=r"0 hidden layers.*head_layer"):
        start.recipe(Recipe())
    recipe = start.recipe(replace(Recipe(), finetune=FinetuneRecipe(head_layer=0)))
    assert recipe.teacher == TeacherRecipe(depth=18, width=0.0625)


@pytest.mark.slow
def test_train_begins_with_a_public_checkpoint(narrow: Path, tiny_recipe: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    result = run_cli("train", "--recipe", tiny_recipe, "--init", narrow, "--out", out)
    assert result.returncode == 0, result.stderr
    assert "r18_0.0625x_sk0" in result.stdout and "pre-training" not in result.stdout
    record = read_keras_record(out / "teacher.keras")
    assert record["recipe"]["teacher"] == asdict(TeacherRecipe(depth=18, width=0.0625))
    assert record["recipe"]["init"]["network"] == "r18_0.0625x_sk0"
    start = load_pretrained(read_variables(str(narrow)), (52, 44, 1))
    begun = keras.saving.load_model(out / "pretrained.keras", compile=False)
    tuned = keras.saving.load_model(out / "teacher.keras", compile=False)
    moved = []
    for layer in [layer for layer in start.layers if layer.weights]:
        for ours, first in zip(layer.get_weights(), begun.get_layer(layer.name).get_weights(), strict=True):
            np.testing.assert_array_equal(ours, first)
        if layer.name.startswith("conv2d"):
            moved.append(np.abs(tuned.get_layer(layer.name).get_weights()[0] - layer.get_weights()[0]).max())
    assert min(moved) > 0, "every convolution is tuned"
    again = run_cli("train", "--recipe", tiny_recipe, "--init", tmp_path, "--out", out)
    assert_refused(again, tmp_path, "holds ")
