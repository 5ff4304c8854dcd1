"""The web page of docs/browser.md, driven in headless Chromium: LiteRT.js answers what Python answers."""

import functools
import http.server
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from helpers.asking import likely_slices
from helpers.browsing import CHROMIUM
from helpers.measuring_file import measuring_file
from helpers.told import told_file
from PIL import Image

from alzedge.demo.answering.example import load_example
from alzedge.demo.html.viewer import brain_mask
from alzedge.imaging.overlay import AGAINST, FOR
from alzedge.imaging.slices import read_slice
from alzedge.inference.classifier import Classifier
from alzedge.model_file.bundled import bundled_heat_map_model, bundled_model
from alzedge.stages import DISCLAIMER, STAGES

BROWSER = Path(__file__).resolve().parents[2] / "docs" / "browser"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not BROWSER.is_dir(), reason="needs the checkout with docs/browser"),
    pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed"),
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
]


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What docs/browser.md tells to set up: the page, its packages by the lock file, the bundled model and its companion."""
    folder = tmp_path_factory.mktemp("browser") / "page"
    shutil.copytree(BROWSER, folder, ignore=shutil.ignore_patterns("node_modules", "*.tflite"))
    install = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(install, check=False, cwd=folder, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    shutil.copy(bundled_model(), folder)
    shutil.copy(bundled_heat_map_model(), folder)
    return folder


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    handler = functools.partial(QuietHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture
def page(browser, address: str):
    """The page with its model loaded; whatever it asks of other hosts is collected in `page.foreign`."""
    page = browser.new_page(viewport={"width": 1000, "height": 720})
    page.set_default_timeout(60_000)
    page.foreign = []
    page.on("request", lambda r: r.url.startswith((address, "data:", "blob:")) or page.foreign.append(r.url))
    page.goto(address)
    page.locator("#phantom:enabled").wait_for()
    yield page
    if shots := os.environ.get("ALZEDGE_SCREENSHOTS"):
        name = os.environ["PYTEST_CURRENT_TEST"].split("::")[1].split(" ")[0]
        page.screenshot(path=Path(shots) / f"browser_{name}.png", full_page=True)
    page.close()


def answer_of(page, name: str) -> np.ndarray:
    page.locator("#of").get_by_text(name, exact=True).wait_for()
    items = page.locator("#bars li").all()
    assert [item.locator("span").first.inner_text() for item in items] == list(STAGES)
    return np.array([float(item.get_attribute("data-probability")) for item in items])


def test_the_page_answers_what_python_answers(page, tmp_path: Path) -> None:
    classifier = Classifier.load()
    for index, pixels in enumerate([*load_example().slices, *likely_slices(classifier, 5)]):
        path = tmp_path / f"slice{index}.png"
        Image.fromarray(pixels).save(path)
        page.set_input_files("#file", path)
        (answer,) = classifier.answers(pixels[np.newaxis])
        # The same int8 steps, of which one is 1/256; float32 against float64 arithmetic is the rest.
        np.testing.assert_allclose(answer_of(page, path.name), list(answer.probabilities.values()), atol=1e-6)
        side = "above" if answer.any_dementia.above else "below"
        assert page.locator("#title").inner_text() == f"Any dementia: {side} the threshold"
        _, score, _, threshold = page.locator("#score").inner_text().split()
        # JavaScript rounds a tie up, Python to even.
        assert (
            abs(float(score.strip(",")) - answer.any_dementia.value) <= 0.005 + 1e-6
            and threshold == f"{answer.any_dementia.threshold:.2f}."
        )
    told, found = page.locator("#measured").inner_text(), classifier.record["operating_threshold"]["sensitivity"]
    assert abs(float(told.split()[2]) - answer.brain_volume.value) <= 5e-4 + 1e-6 and " years (90 % interval " in told
    assert f"finds {100 * found['value']:.0f} %" in page.locator("#cost").inner_text()
    assert page.locator("#disclaimer").inner_text() == DISCLAIMER
    assert "ms on this device" in page.locator("#facts").inner_text()
    assert classifier.record["sha256"] in page.locator("#model").inner_text()
    assert page.foreign == []


def test_jpegs_are_decoded_to_the_same_pixels(page, tmp_path: Path) -> None:
    classifier = Classifier.load()
    for index, pixels in enumerate(load_example().slices):
        path = tmp_path / f"slice{index}.jpg"
        Image.fromarray(pixels).save(path, quality=90)
        page.set_input_files("#file", path)
        (answer,) = classifier.answers(read_slice(path)[np.newaxis])
        expected = list(answer.probabilities.values())
        np.testing.assert_allclose(answer_of(page, path.name), expected, atol=1e-6)


def test_a_file_that_weighs_age_and_sex_is_told_them(page, folder: Path) -> None:
    classifier, pixels = Classifier.load(told_file(folder / "told.tflite")), load_example().slices[3]
    program = """async (grey) => {
      const { loadClassifier } = await import("./classifier.js");
      const told = await loadClassifier("told.tflite", "./node_modules/@litertjs/core/wasm/");
      const asked = [{}, { age: 88, sex: "M" }];
      return Promise.all(asked.map((person) => told.probabilities(Uint8Array.from(grey), person)));
    }"""
    without, told = page.evaluate(program, pixels.ravel().tolist())
    np.testing.assert_allclose(without, classifier.probabilities(pixels[None])[0], atol=1e-6)
    np.testing.assert_allclose(told, classifier.probabilities(pixels[None], 88, "M")[0], atol=1e-6)
    assert without != told


def test_without_relaxed_simd_the_answers_are_the_same(browser, address: str, folder: Path) -> None:
    compatible = folder / "node_modules/@litertjs/core/wasm/litert_wasm_compat_internal.js"
    page = browser.new_page()
    page.set_default_timeout(60_000)
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url.rsplit("/", 1)[1]))
    page.route("**/litert_wasm_internal.js", lambda route: route.fulfill(path=compatible))
    page.goto(address)
    page.get_by_role("button", name="Try a phantom").click()
    (answer,) = Classifier.load(guarded=False).answers(read_slice(folder / "phantom.png")[np.newaxis])
    np.testing.assert_allclose(answer_of(page, "A phantom"), list(answer.probabilities.values()), atol=1e-6)
    assert "litert_wasm_compat_internal.wasm" in loaded
    page.close()


def test_a_float_model_is_answered_too(browser, address: str, folder: Path, tiny_run: Path) -> None:
    model = tiny_run / "student_float32.tflite"
    page = browser.new_page()
    page.set_default_timeout(60_000)
    page.route("**/student_int8.tflite", lambda route: route.fulfill(path=model))
    page.goto(address)
    page.get_by_role("button", name="Try a phantom").click()
    expected = Classifier.load(model).probabilities(read_slice(folder / "phantom.png")[np.newaxis])[0]
    np.testing.assert_allclose(answer_of(page, "A phantom"), expected, atol=1e-6)
    page.close()


def test_a_file_that_measures_is_read_by_the_names_of_its_outputs(browser, address: str, tmp_path: Path) -> None:
    """And its answer is that of the program for the Raspberry Pi, which is held to Python's by the fast tests."""
    model = measuring_file(tmp_path / "measuring.tflite")
    Image.fromarray(load_example().slices[3]).save(tmp_path / "brain.png")
    page = browser.new_page()
    page.set_default_timeout(60_000)
    page.route("**/student_int8.tflite", lambda route: route.fulfill(path=model))
    page.goto(address)
    page.locator("#phantom:enabled").wait_for()
    page.set_input_files("#file", tmp_path / "brain.png")
    shares = answer_of(page, "brain.png")
    command = [sys.executable, str(BROWSER.parent / "raspberry-pi" / "alzedge_slice.py"), str(model), "brain.png"]
    done = subprocess.run(command, check=True, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    dementia, volume, age, _, *stages = done.stdout.splitlines()
    assert dementia.startswith(f"any dementia {1 - shares[0]:.3f}")
    assert [line.split()[-1] for line in stages[:4]] == [f"{share:.1%}" for share in shares]
    told = page.locator("#measured").inner_text()
    assert told.startswith(f"Brain volume {volume.split()[2]} (90 % interval {volume.split()[3][1:]} to ")
    assert f"Looks like a brain of {age.split()[2]} years (90 % interval {age.split()[3][1:]} to " in told
    assert not page.locator("#evidence").is_visible()  # the companion beside it is of another origin
    page.close()


def test_the_heat_map_is_off_until_asked_for_and_stays_within_the_brain(page, tmp_path: Path) -> None:
    brain = load_example().slices[3]
    Image.fromarray(brain).save(tmp_path / "brain.png")
    page.set_input_files("#file", tmp_path / "brain.png")
    page.locator("#evidence").wait_for()
    assert not page.locator("#heat").is_visible()
    page.get_by_label("Show where the evidence lies").check()
    assert page.locator("#heat").is_visible()
    data = page.evaluate(
        "Array.from(document.querySelector('#heat').getContext('2d').getImageData(0, 0, 176, 208).data)"
    )
    layer = np.array(data, np.uint8).reshape(208, 176, 4)
    np.testing.assert_array_equal(layer[..., 3][~brain_mask(brain)], 0)
    # Where Python's map is strong, the colour is Python's.
    heat = -Classifier.load(bundled_heat_map_model(), guarded=False).heat_maps(brain[None])[0, ..., 0]
    smooth = np.asarray(Image.fromarray(heat / np.abs(heat).max()).resize((176, 208), Image.Resampling.BILINEAR))
    strong = brain_mask(brain) & (np.abs(smooth) > 0.3)
    colours = np.where(smooth[strong][:, None] > 0, FOR, AGAINST)
    assert strong.sum() > 100 and np.abs(layer[strong][:, :3].astype(int) - colours).max() <= 3


def test_what_the_guard_does_not_know_is_refused(page, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (208, 176), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    page.set_input_files("#file", tmp_path / "noise.png")
    problem = page.get_by_role("alert")
    problem.wait_for()
    (answer,) = Classifier.load().answers(noise[None])
    assert f"unlikeness {answer.unlikeness:.1f}, from 1 on refused" in problem.inner_text()
    assert page.locator("#bars li").count() == 0 and page.locator("#score").inner_text() == ""


@pytest.mark.parametrize("name", ["large.png", "colour.png", "cat.jpg"])
def test_what_is_no_slice_is_refused_and_the_page_goes_on(page, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "large.png":
        Image.new("L", (400, 400)).save(path)
    elif name == "colour.png":
        Image.new("RGB", (176, 208), "red").save(path)
    else:
        path.write_text("meow")
    page.set_input_files("#file", path)
    problem = page.get_by_role("alert")
    problem.wait_for()
    assert problem.inner_text().startswith(f"{name}: ")
    assert page.locator("#bars li").count() == 0
    page.get_by_role("button", name="Try a phantom").click()
    assert abs(answer_of(page, "A phantom").sum() - 1) < 1e-9  # the guard is not asked about it
    assert not problem.is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_phone(page, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 360, "height": 740})
    page.get_by_role("button", name="Try a phantom").click()
    answer_of(page, "A phantom")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_a_missing_model_is_a_sentence(browser, address: str, folder: Path) -> None:
    page = browser.new_page()
    page.route("**/*.tflite", lambda route: route.fulfill(status=404))
    page.goto(address)
    problem = page.get_by_role("alert")
    problem.wait_for()
    assert "copy the model file there" in problem.inner_text()
    page.close()
