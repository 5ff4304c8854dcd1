"""The page, driven in headless Chromium: what a visitor can do, and what must never happen."""

import base64
import contextlib
import csv
import io
import json
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.browsing import browsing, contrast, named, upload
from helpers.commands import assert_refused, run_cli
from helpers.serving import free_port
from PIL import Image

from alzedge.data.dataset import DataSet, split_dataset
from alzedge.export.guard.fit import make_guard
from alzedge.imaging.phantoms import draw_anatomy, draw_slice
from alzedge.inference.classifier import Classifier
from alzedge.inference.measures.operating_point import OperatingPoint
from alzedge.model_file.bundled import bundled_heat_map_model, bundled_model
from alzedge.model_file.read_write import read_tflite, write_tflite
from alzedge.reporting.labels import COLUMNS
from alzedge.stages import DISCLAIMER, STAGES, TITLES

HOSTILE = "<img src=x onerror=document.title='owned'>${document.title='owned'}{{x}}.png"


@contextlib.contextmanager
def serving(*options: object) -> Iterator[str]:
    """Address of a running `alzedge demo`; Ctrl-C ends it, and well."""
    port = free_port()
    command = [sys.executable, "-m", "alzedge", "demo", "--no-prepare", "--port", str(port), *map(str, options)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            assert "serving the page" in server.stdout.readline()
            yield f"http://127.0.0.1:{port}/"
            server.send_signal(signal.SIGINT)
            assert server.wait(30) == 0
        finally:
            server.kill()


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, phantoms: DataSet) -> Path:
    """A folder with the bundled student as if it were a run's, whose guard knows phantoms; and a file named a teacher.

    So uploads of phantoms are answered, and no TensorFlow is needed.
    """
    folder = tmp_path_factory.mktemp("models")
    flatbuffer, record = read_tflite(bundled_model())
    guard = make_guard(phantoms, split_dataset(phantoms, "subject"), seed=0).to_dict()
    write_tflite(folder / "student.tflite", flatbuffer, record | {"guard": guard})
    shutil.copy(bundled_heat_map_model(), folder / "student_heatmap.tflite")
    write_tflite(folder / "teacher.tflite", flatbuffer, record | {"kind": "teacher-float32"})
    return folder


@pytest.fixture(scope="module")
def classifier(models: Path) -> Classifier:
    """The student that the page has, in this process."""
    return Classifier.load(models / "student.tflite")


@pytest.fixture(scope="module")
def address(models: Path) -> Iterator[str]:
    """The page with everything on it."""
    options = ["--model", models / "student.tflite", "--teacher", models / "teacher.tflite"]
    with serving(*options, "--labels", models / "labels") as address:
        yield address


@pytest.fixture(scope="module")
def desk(browser: Any, address: str) -> Iterator[Any]:
    """One visitor for the tests that ask something anew and leave nothing behind."""
    with browsing(browser, address) as page:
        yield page


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    """A visitor of its own."""
    with browsing(browser, address) as page:
        yield page


@pytest.fixture(scope="module")
def head() -> Any:
    """Ten slices of one phantom, uint8 (10, 208, 176), from foot to head."""
    rng = np.random.default_rng(3)
    anatomy = draw_anatomy(2, rng)
    return np.stack([draw_slice(anatomy, height, rng) for height in np.linspace(0.25, 0.75, 10)])


@pytest.fixture(scope="module")
def volume(head: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as a NIfTI file, with a name in its header that nobody must see."""
    nib = pytest.importorskip("nibabel")
    image = nib.Nifti1Image(np.ascontiguousarray(head[:, ::-1].transpose(2, 1, 0)), np.eye(4))
    image.header["descrip"] = b"JANE DOE 1931"
    path = tmp_path_factory.mktemp("volume") / "head.nii.gz"
    nib.save(image, path)
    return path


def shares(page: Any, bars: str = ".slice-bars") -> list[float]:
    """Percentages beside the bars, in order of severity."""
    page.locator(bars).wait_for(state="attached")
    return [float(text.strip("%")) for text in page.locator(f"{bars} .share").all_text_contents()]


def slider(page: Any) -> Any:
    return page.locator("#slice-slider input[type=range]")


def percentages(answer: Any) -> list[float]:
    return [100 * share for share in answer.probabilities.values()]


def test_the_first_screen_has_an_example_that_answers(page: Any) -> None:
    """All of it in 1366 x 768 pixels, the slice beside the answer, and no control for what is not there."""
    text = page.locator("#answer").inner_text()
    point = OperatingPoint.read(read_tflite(bundled_model())[1])
    assert point is not None and point.sensitivity is not None
    assert f"finds {point.sensitivity.value:.0%} of people with dementia" in text and "tell the stages apart" in text
    for hidden in ("#heat-switch", "#slice-slider", "#together", "#heat-controls"):
        assert not page.locator(hidden).is_visible(), hidden
    view, words = page.locator(".view").bounding_box(), page.locator("#answer").bounding_box()
    assert view["x"] + view["width"] <= words["x"] and words["y"] < view["y"] + view["height"] <= 768
    assert page.locator("#disclaimer").bounding_box()["height"] <= 32
    page.get_by_role("button", name="Try this example").click()
    assert sum(shares(page)) == pytest.approx(100, abs=0.3)
    text = page.locator("#answer").inner_text()
    assert text.index("Any dementia: below the threshold") < text.index("Stages")
    assert (
        f"finds {point.sensitivity.value:.0%} with dementia" in text
        and re.search(r"7 slices in [\d.]+ ms", text)
        and DISCLAIMER in text
    )
    assert "student-int8" in text and page.locator(".thumb").count() == 7
    links = {link.inner_text(): link.get_attribute("href") for link in page.locator(".brand nav a").all()}
    assert {"Model card", "Paper", "Data"} <= set(links) and links["Paper"].startswith("https://arxiv.org/")
    page.get_by_role("link", name="Model card").click()
    card = page.locator(".card")
    card.wait_for()
    assert read_tflite(bundled_model())[1]["dataset"]["name"] in card.inner_text()


def test_an_uploaded_slice_gets_the_answer_of_the_classifier(
    desk: Any, classifier: Classifier, head: Any, tmp_path: Path
) -> None:
    """Under a name that would run a script, were it taken for HTML or for a template."""
    path = tmp_path / HOSTILE
    Image.fromarray(head[5]).save(path, exif=b"Exif\0\0JANE DOE")
    upload(desk, path)
    named(desk, "onerror")
    assert shares(desk) == [round(share, 1) for share in percentages(classifier.answers(head[5:6])[0])]
    assert HOSTILE in desk.locator("#answer").inner_text()
    assert desk.locator("img[src=x]").count() == 0 and desk.title() == "AlzEdge"
    sent = desk.locator(".viewer img.slice").get_attribute("src")
    assert b"JANE" not in base64.b64decode(sent.split(",")[1])
    # The list of files is empty again, since what was answered is deleted.
    assert desk.locator("#files").get_by_text("Drop File Here").is_visible()


def test_a_script_within_the_page_does_not_run(desk: Any) -> None:
    """The content security policy is the second wall behind the templates."""
    assert not desk.evaluate(
        """() => { window.owned = false; const place = document.createElement("div");
        place.innerHTML = "<img src='data:,' onerror='window.owned = true'>"; document.body.append(place);
        const script = document.createElement("script"); script.textContent = "window.owned = true";
        document.body.append(script); return new Promise(done => setTimeout(() => done(window.owned), 300)); }"""
    )
    assert len(desk.wrong) == 2 and all("Content Security Policy" in said for said in desk.wrong)
    desk.wrong.clear()


def test_several_pictures_are_a_table_until_somebody_says_whose_they_are(
    desk: Any, classifier: Classifier, head: Any, tmp_path: Path
) -> None:
    """One bad file among them loses only itself."""
    paths = [tmp_path / f"slice{number}.png" for number in range(3)]
    for path, pixels in zip(paths, head[3:6], strict=True):
        Image.fromarray(pixels).save(path)
    (tmp_path / "cat.jpg").write_text("meow")
    noise = np.random.default_rng(0).integers(0, 256, (208, 176), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    upload(desk, *paths, tmp_path / "cat.jpg", tmp_path / "noise.png")
    desk.locator("#results").wait_for()
    rows = np.array([percentages(answer) for answer in classifier.answers(head[3:6])])
    assert desk.locator("#results tbody tr").count() == 5 and desk.locator(".bars.person").count() == 0
    assert "not a JPEG, PNG" in desk.locator("#results tr", has_text="cat.jpg").inner_text()
    assert desk.get_by_role("radio", name="one person").is_checked() is False
    heights = [thumb.bounding_box()["height"] for thumb in desk.locator(".thumb").all()]
    assert len(heights) == 4 and len(set(heights)) == 1, "refused ones keep their size"
    np.testing.assert_allclose(shares(desk), rows[0], atol=0.051)
    desk.locator("#results tr", has_text="slice2.png").click()
    named(desk, "slice2.png")
    np.testing.assert_allclose(shares(desk), rows[2], atol=0.051)
    with desk.expect_download() as download:
        desk.get_by_role("link", name="CSV").click()
    table = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_bytes().decode("utf-8-sig"), newline="")))
    np.testing.assert_allclose([100 - 100 * float(row["any_dementia"]) for row in table[:3]], rows[:, 0], atol=1e-3)
    with desk.expect_download() as download:
        desk.get_by_role("link", name="JSON").click()
    assert len(json.loads(Path(download.value.path()).read_text())["images"]) == 5
    desk.get_by_role("radio", name="one person").check()
    person = classifier.person(classifier.answers(head[3:6]))
    np.testing.assert_allclose(shares(desk, ".bars.person"), percentages(person), atol=0.051)
    assert desk.locator("#results").count() == 0
    desk.get_by_role("radio", name="different people").check()
    desk.locator("#results").wait_for()


def test_a_volume_is_scrolled_through_by_keyboard(desk: Any, classifier: Classifier, volume: Path) -> None:
    """And costs the server nothing: all slices came with the answer."""
    upload(desk, volume)
    named(desk, "head.nii.gz, slice 6")
    told = classifier.predict(volume, prepare=False)
    np.testing.assert_allclose(shares(desk, ".bars.person"), percentages(told.person), atol=0.051)
    assert desk.locator(".thumb").count() == len(told.slices) == 10 and not desk.locator("#together").is_visible()
    slider(desk).focus()
    before = desk.locator(".viewer img.slice").get_attribute("src")
    asked: list[str] = []
    desk.on("request", lambda r: r.method == "POST" and asked.append(r.url))
    desk.keyboard.press("ArrowRight")
    named(desk, "head.nii.gz, slice 7")
    assert desk.locator(".viewer img.slice").get_attribute("src") != before
    np.testing.assert_allclose(shares(desk), percentages(told.slices[6]), atol=0.051)
    score = 1 - told.slices[6].probabilities["NonDemented"]
    assert desk.locator("[data-show=score]").inner_text() == f"{score:.2f}"
    box = desk.locator(".curve svg").bounding_box()
    desk.locator(".curve svg").click(position={"x": box["width"] * 0.05, "y": box["height"] / 2})
    named(desk, "head.nii.gz, slice 1")
    assert slider(desk).input_value() == "1" and asked == []
    assert "JANE" not in desk.content()


def test_student_and_teacher_answer_side_by_side(desk: Any, volume: Path) -> None:
    upload(desk, volume)
    desk.get_by_role("tab", name="Student and teacher").click()
    desk.locator(".sides").wait_for()
    text = desk.get_by_role("region", name="Student and teacher").inner_text()
    # Both files hold one network here, so they must agree.
    assert re.search(r"They name the same stage on \d+ of 10 slices", text)
    assert "teacher-float32" in text and "student-int8" in text and "1.0 times its size" in text
    assert len(re.findall(r"[\d.]+ ms", text)) == 2
    desk.get_by_role("tab", name="Answer").click()


def test_the_heat_map_is_off_until_asked_for_and_fades(page: Any) -> None:
    page.get_by_role("button", name="Draw a slice").click()
    named(page, "phantom drawn with mild dementia")
    # The view may come before the words, and gives them its name.
    page.locator("#answer", has_text="learned from real slices only").wait_for()
    heat = page.locator(".viewer img.heat")
    assert not heat.is_visible() and not page.locator("#heat-controls").is_visible()
    page.get_by_label("Show where the evidence lies").check()
    heat.wait_for()
    assert "url(" in heat.evaluate("image => getComputedStyle(image).maskImage")
    assert heat.evaluate("image => getComputedStyle(image).opacity") == "0.5"
    assert "Evidence for any dementia" in page.locator(".legend").inner_text()
    page.locator("#heat-slider input[type=range]").focus()
    page.keyboard.press("Home")
    page.wait_for_function("getComputedStyle(document.querySelector('.viewer img.heat')).opacity === '0'")
    maps = [heat.get_attribute("src")]
    for title in TITLES:
        page.locator("#evidence input").click()
        page.get_by_role("option", name=title.lower(), exact=True).click()
        page.wait_for_function("before => document.querySelector('.viewer img.heat').src !== before", arg=maps[-1])
        maps.append(heat.get_attribute("src"))
        assert f"Evidence for {title.lower()}" in page.locator(".legend").inner_text()
    assert len(set(maps)) == 5
    assert "by the model's own arithmetic" in page.locator(".legend").inner_text()
    page.get_by_label("Show where the evidence lies").uncheck()
    heat.wait_for(state="hidden")


def test_what_cannot_be_answered_is_refused_kindly_and_the_page_goes_on(desk: Any, tmp_path: Path) -> None:
    path = tmp_path / "cat.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)).save(path)
    upload(desk, path)
    refusal = desk.get_by_role("alert").filter(has_text="No answer")
    refusal.wait_for()
    assert "cat.png: this does not look like an axial brain MRI slice" in refusal.inner_text()
    assert "skull-stripped" in refusal.inner_text() and desk.locator(".bars").count() == 0
    (tmp_path / "cat.jpg").write_text("meow")
    upload(desk, tmp_path / "cat.jpg")
    refusal.filter(has_text="cat.jpg").wait_for()
    assert str(tmp_path) not in refusal.inner_text()
    desk.get_by_role("button", name="Draw a head").click()
    assert len(shares(desk)) == 4


def test_labels_are_blind_first_and_belong_to_their_slice(page: Any, models: Path, volume: Path) -> None:
    page.get_by_role("tab", name="Label").click()
    upload(page, volume)
    page.locator("#reading").wait_for()
    stripe = "getComputedStyle(document.querySelector('.thumb[data-side]')).borderBottomColor"
    assert page.evaluate(stripe) == "rgba(0, 0, 0, 0)"
    assert not page.locator(".unblind").is_visible() and not page.locator("#heat-switch").is_visible()
    add = page.get_by_role("button", name="Add label")
    add.click()
    page.get_by_role("status").filter(has_text="No reading is chosen").wait_for()
    page.get_by_role("radio", name=TITLES[3]).check()
    for key in ("ArrowRight", "ArrowLeft"):  # what was begun on a slice is gone on the next, either way
        page.get_by_label("Comment").fill("about another slice")
        slider(page).focus()
        page.keyboard.press(key)
        page.wait_for_function("!document.querySelector('#reading input:checked')")
        page.wait_for_function("document.querySelector('.form textarea, .form input[type=text]').value === ''")
    page.get_by_label("Comment").fill('=HYPERLINK("http://evil")')
    page.get_by_label("Reviewer").fill("@AB")
    page.get_by_role("radio", name="As the model says").check()
    add.click()
    page.get_by_role("status").filter(has_text="Read it by yourself first").wait_for()
    page.get_by_role("radio", name=TITLES[3]).check()
    add.click()
    page.get_by_role("status").filter(has_text="Added. The model: score").wait_for()
    page.locator(".unblind").wait_for()  # read, so the model's answer for this slice may be seen
    page.wait_for_function("!document.querySelector('#reading input:checked')")
    page.get_by_role("radio", name="As the model says").check()
    add.click()
    page.locator("#labels tbody tr").nth(1).wait_for()
    page.reload()
    page.get_by_role("tab", name="Label").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download 2 labels as CSV").click()
    assert download.value.suggested_filename == "alzedge-labels.csv"
    path = Path(download.value.path())
    text = path.read_bytes().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert tuple(rows[0]) == COLUMNS and [row["reviewer"] for row in rows] == ["'@AB", "'@AB"]
    assert {row["slice"] for row in rows} == {f"{rows[0]['person']}, slice 6"} and "head" not in text
    assert rows[0]["reviewer_stage"] == STAGES[3] and rows[0]["comment"] == '\'=HYPERLINK("http://evil")'
    assert rows[1]["reviewer_stage"] == rows[1]["model_stage"] and rows[1]["agrees"] == "yes"
    assert [row["blind"] for row in rows] == ["yes", "no"] and len(rows[0]["image_sha256"]) == 64
    assert rows[0]["model_sha256"] == read_tflite(models / "student.tflite")[1]["sha256"]
    # The operator asked for labels, and has them.
    assert (models / "labels" / "labels.csv").read_bytes().decode() == text
    clear = page.get_by_role("button", name="Clear all")
    clear.click()
    page.get_by_role("button", name="Keep them").click()
    page.get_by_role("button", name="Keep them").wait_for(state="hidden")
    assert page.locator("#labels tbody tr").count() == 2
    clear.click()
    page.get_by_role("button", name="Delete them").click()
    page.get_by_text("No labels yet").wait_for()
    shutil.copy(path, models / "mine.csv")
    page.locator("#resume input[type=file], input#resume, input[accept*=csv]").first.set_input_files(
        models / "mine.csv"
    )
    page.get_by_role("link", name="Download 2 labels as CSV").wait_for()


def test_labels_are_given_by_keyboard_alone(page: Any, volume: Path) -> None:
    page.get_by_role("tab", name="Label").click()
    upload(page, volume)
    page.locator("#reading").wait_for()
    page.get_by_label("Reviewer").fill("KB")
    page.get_by_role("tab", name="Label").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "document.querySelector('.form [data-show=number], [data-show=name]').textContent !== 'nothing yet'"
    )
    page.keyboard.press("2")
    page.wait_for_function("document.querySelectorAll('#reading input')[1].checked")
    focused = "getComputedStyle(document.activeElement.closest('label')).outlineStyle"
    assert page.evaluate(focused) == "solid"  # where one is can be seen
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Download 1 label as CSV").wait_for()
    page.keyboard.press("u")
    page.get_by_text("No labels yet").wait_for()
    page.get_by_role("tab", name="Answer").click()
    page.get_by_role("tab", name="Label").click()
    page.locator(".seen-note").wait_for()


def test_a_report_is_taken_home(page: Any) -> None:
    page.get_by_role("button", name="Try the example").first.click()
    page.locator(".panel .measured").wait_for()
    page.get_by_role("button", name="Make a report").click()
    for name, start in (("HTML", b"<!DOCTYPE html>"), ("PDF", b"%PDF")):
        with page.expect_download() as download:
            page.get_by_role("link", name=f"Download as {name}").click()
        assert Path(download.value.path()).read_bytes().startswith(start)
        assert download.value.suggested_filename == f"alzedge-report.{name.lower()}"
    page.get_by_role("button", name="Draw a slice").click()
    page.get_by_role("link", name="Download as HTML").wait_for(state="detached")


def test_on_a_dark_phone_the_answer_is_where_the_eye_is_and_can_be_read(
    browser: Any, address: str, volume: Path
) -> None:
    """WCAG's contrast of 4.5 between each text and what is behind it; nothing wider than the phone."""
    size = {"width": 390, "height": 844}
    with browsing(browser, address, has_touch=True, viewport=size, color_scheme="dark") as page:
        page.get_by_role("button", name="Try the example").tap()
        heading = page.get_by_role("heading", name="Any dementia: below the threshold").first
        heading.wait_for()
        page.wait_for_function("document.querySelector('#answer h2').getBoundingClientRect().top < 400")
        box = heading.bounding_box()
        banner = page.locator("#disclaimer").bounding_box()
        assert banner["y"] + banner["height"] <= box["y"] <= 844 - box["height"]
        for selector in (
            ".panel h2",
            ".bars.slice-bars .share",
            ".trust p",
            ".measured",
            ".this-slice .of",
            "#disclaimer strong",
        ):
            assert contrast(page.locator(selector).first) >= 4.5, selector
        page.get_by_role("button", name="The model's card").click()
        for tab in ("Student and teacher", "Label", "Answer"):
            page.get_by_role("tab", name=tab).click()
            assert page.evaluate("document.documentElement.scrollWidth") <= 390, tab
        # The disclaimer stays, wherever one is.
        page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
        box = page.get_by_text(DISCLAIMER).first.bounding_box()
        assert box["y"] >= 0 and box["y"] + box["height"] <= 844


def test_the_example_can_be_asked_about_by_keyboard_alone(page: Any) -> None:
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == "Try the example":
            break
    page.keyboard.press("Enter")
    assert len(shares(page)) == 4


def test_a_taken_port_is_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert_refused(run_cli("demo", "--port", port), port, "another --port")
    assert_refused(run_cli("demo", "--host", "no.such.host.invalid"), "no.such.host.invalid", "--host")
