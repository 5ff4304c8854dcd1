"""The page with a model that measures, in headless Chromium: the person on the curve, age and sex, several images."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.browsing import CHROMIUM, browsing, contrast, named, upload
from helpers.measuring import measuring_classifier
from helpers.serving import free_port
from PIL import Image

from alzedge.demo.answering.example import load_example
from alzedge.inference.classifier import Classifier

TESTS = Path(__file__).resolve().parents[1]

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "helpers.serve_measuring", str(port)]
    paths = os.pathsep.join([str(TESTS), str(TESTS.parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": paths}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as server:
        try:
            assert server.stdout is not None and "serving the page" in server.stdout.readline()
            yield f"http://127.0.0.1:{port}/"
        finally:
            server.kill()


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return measuring_classifier()


def shoot(page: Any, name: str, full: bool = True) -> None:
    if folder := os.environ.get("ALZEDGE_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=full)


def test_the_person_is_put_on_the_curve_when_the_age_is_told(
    browser: Any, address: str, classifier: Classifier
) -> None:
    with browsing(browser, address) as page:
        page.locator("#age input, #age textarea").wait_for()
        shoot(page, "measures_first", full=False)
        page.get_by_role("button", name="Try the example").click()
        picture = page.locator("#answer svg.norm")
        picture.wait_for()
        shoot(page, "measures_no_age")
        assert picture.locator("circle").count() == 0 and page.get_by_text("there is no percentile").is_visible()
        page.get_by_role("button", name="Give age and sex").click()
        assert page.evaluate("document.activeElement.closest('#age') !== null")
        page.keyboard.type("75")
        page.keyboard.press("Enter")
        picture.locator("circle").wait_for()
        told = classifier.person(classifier.answers(load_example().slices), 75)
        assert told.brain_volume is not None and told.brain_volume.percentile is not None
        facts = page.locator(".facts").inner_text()
        assert f"{told.brain_volume.value:.3f}" in facts and "of people without dementia at 75" in facts
        # The curve is on the first screen, beside the slices.
        view, drawn = page.locator("#view .view").bounding_box(), picture.bounding_box()
        assert drawn["y"] < 768 and drawn["x"] > view["x"] + view["width"] / 2
        shoot(page, "measures_age", full=False)
        line = page.locator("[data-show=measured]").inner_text()
        page.keyboard.press("Escape")
        page.locator(".viewer .thumb").first.click()
        page.wait_for_function(
            "before => document.querySelector('[data-show=measured]').textContent !== before", arg=line
        )
        first = classifier.answers(load_example().slices)[0]
        assert first.brain_volume is not None
        assert f"{first.brain_volume.value:.3f}" in page.locator("[data-show=measured]").inner_text()
        page.locator("#age input, #age textarea").fill("700")
        page.keyboard.press("Enter")
        page.get_by_role("status").filter(has_text="An age of 700 cannot be").wait_for()
        assert picture.locator("circle").count() == 0


def test_a_phantom_head_in_the_dark_can_be_read(browser: Any, address: str) -> None:
    with browsing(browser, address, color_scheme="dark") as page:
        page.locator("#age input, #age textarea").fill("80")
        page.get_by_role("button", name="Draw a head").click()
        page.locator("#answer svg.norm circle").wait_for()
        page.get_by_label("Show where the evidence lies").check()
        page.locator(".viewer img.heat").wait_for()
        shoot(page, "measures_dark")
        for selector in (
            ".fact strong",
            ".fact span",
            ".norm-figure figcaption",
            ".facts .of",
            "details.trust summary",
        ):
            assert contrast(page.locator(selector).first) >= 4.5, selector


def test_the_curve_can_be_read_on_a_phone(browser: Any, address: str) -> None:
    size = {"width": 390, "height": 844}
    with browsing(browser, address, has_touch=True, viewport=size) as page:
        page.get_by_role("button", name="Try the example").tap()
        page.locator("#answer svg.norm").wait_for()
        page.wait_for_timeout(500)
        shoot(page, "measures_phone", full=False)
        shoot(page, "measures_phone_whole")
        letters = page.locator("svg.norm text").first.bounding_box()
        assert letters["height"] >= 11 and page.evaluate("document.documentElement.scrollWidth") <= 390


def test_several_images_are_a_table_with_measures(browser: Any, address: str, tmp_path: Path) -> None:
    paths = [tmp_path / f"slice{number}.png" for number in range(3)]
    for path, pixels in zip(paths, load_example().slices[2:5], strict=True):
        Image.fromarray(pixels).save(path)
    noise = np.random.default_rng(0).integers(0, 256, (208, 176), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    with browsing(browser, address) as page:
        upload(page, *paths, tmp_path / "noise.png")
        page.locator("#results").wait_for()
        assert "brain volume" in page.locator("#results thead").inner_text().lower()
        assert page.locator("#answer svg.norm").count() == 0
        shoot(page, "measures_several")
        page.set_viewport_size({"width": 390, "height": 844})
        assert page.locator("#answer .scrolls").evaluate("it => it.scrollWidth - it.clientWidth") <= 0  # nothing is cut
        page.get_by_role("radio", name="one person").check()
        page.locator("#answer svg.norm").wait_for()
        upload(page, paths[1])
        named(page, "slice1.png")  # the person's first slice is slice0.png
        page.locator("#answer svg.norm").wait_for()
        shoot(page, "measures_one_slice")
        upload(page, tmp_path / "noise.png")
        refusal = page.get_by_role("alert").filter(has_text="No answer")
        refusal.wait_for()
        page.locator("#age input, #age textarea").fill("70")
        page.keyboard.press("Enter")
        page.wait_for_timeout(500)
        assert refusal.is_visible()  # an age changes no refusal
        shoot(page, "measures_refused")
