"""The page, driven in headless Chromium: what a visitor can do, and what must never happen."""

import base64
import contextlib
import csv
import io
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.commands import assert_refused, run_cli, run_code
from PIL import Image

from alzedge.data.dataset import DataSet, split_dataset
from alzedge.demo.html.viewer import heat_layer
from alzedge.demo.page.labelling import COLUMNS, checked_rows, csv_text
from alzedge.export.guard.fit import make_guard
from alzedge.imaging.overlay import AGAINST, FOR
from alzedge.imaging.phantoms import draw_anatomy, draw_slice
from alzedge.inference.classifier import bundled_heat_map_model, bundled_model
from alzedge.model_file.read_write import read_tflite, write_tflite
from alzedge.stages import DISCLAIMER, STAGES, TITLES

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
# Nothing but the page itself may be asked for; Chromium's own background traffic is off.
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
HOSTILE = "<img src=x onerror=document.title='owned'>.png"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def serving(*options: object) -> Iterator[str]:
    """Address of a running `alzedge demo`."""
    port = free_port()
    command = [sys.executable, "-m", "alzedge", "demo", "--port", str(port), *map(str, options)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        line = server.stdout.readline()
        assert "serving the page" in line
        yield f"http://127.0.0.1:{port}/"
        server.terminate()


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
def address(models: Path) -> Iterator[str]:
    """The page with everything on it."""
    options = ["--model", models / "student.tflite", "--teacher", models / "teacher.tflite"]
    with serving(*options, "--labels", models / "labels") as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    from playwright.sync_api import sync_playwright

    with (
        sync_playwright() as playwright,
        contextlib.closing(playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)) as browser,
    ):
        yield browser


@contextlib.contextmanager
def browsing(browser: Any, address: str, **options: Any) -> Iterator[Any]:
    """A visitor with an empty browser; whatever is asked of other hosts, or fails in a script, fails the test."""
    with contextlib.closing(browser.new_context(viewport={"width": 1200, "height": 900}, **options)) as context:
        page, wrong = context.new_page(), []
        page.set_default_timeout(120_000)
        page.on("request", lambda r: r.url.startswith((address, "data:", "blob:")) or wrong.append(r.url))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(address)
        page.get_by_role("button", name="Draw a slice").wait_for()
        yield page
        if folder := os.environ.get("ALZEDGE_SCREENSHOTS"):
            name = os.environ["PYTEST_CURRENT_TEST"].split("::")[1].split(" ")[0]
            page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
        assert wrong == []


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
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


def upload(page: Any, *paths: Path) -> None:
    page.set_input_files("input[type=file]", [str(path) for path in paths])


def shares(page: Any, bars: str = ".slice-bars") -> list[float]:
    """Percentages beside the bars, in order of severity."""
    page.locator(bars).wait_for()
    return [float(text.strip("%")) for text in page.locator(f"{bars} .share").all_inner_texts()]


def told(*arguments: object) -> dict[str, Any]:
    """What `alzedge predict` says of one file."""
    found: dict[str, Any] = json.loads(run_cli("predict", "--json", *arguments).stdout)["predictions"][0]
    return found


def slider(page: Any) -> Any:
    return page.locator("#slice-slider input[type=range]")


def test_a_drawn_phantom_is_answered(page: Any) -> None:
    page.get_by_role("button", name="Draw a slice").click()
    found = shares(page)
    assert len(found) == 4 and abs(sum(found) - 100) < 0.5
    text = page.locator("#answer").inner_text()
    assert all(title in text for title in TITLES)
    assert "had never seen" in text and "95% interval" in text
    assert re.search(r"1 slice in [\d.]+ ms", text) and "student-int8" in text and DISCLAIMER in text
    assert "learned from real slices only" in text
    page.get_by_role("button", name="The model's card").click()
    card = page.locator(".card")
    card.wait_for()
    assert read_tflite(bundled_model())[1]["dataset"]["name"] in card.inner_text()


def test_an_uploaded_slice_gets_the_answer_of_the_command(page: Any, models: Path, head: Any, tmp_path: Path) -> None:
    """Under a name that would run a script, were it taken for HTML."""
    path = tmp_path / HOSTILE
    Image.fromarray(head[5]).save(path, exif=b"Exif\0\0JANE DOE")
    upload(page, path)
    found = shares(page)
    wanted = told("--model", models / "student.tflite", path)["probabilities"]
    assert found == [round(100 * share, 1) for share in wanted.values()]
    assert "onerror" in page.locator("#answer").inner_text()
    assert page.locator("img[src=x]").count() == 0 and page.title() == "AlzEdge"
    assert "JANE" not in page.content()
    # Pictures are new ones, made of pixels alone.
    data = page.locator(".viewer img.slice").get_attribute("src").split(",")[1]
    assert b"JANE" not in base64.b64decode(data)


def test_several_slices_are_one_persons_or_not(page: Any, models: Path, head: Any, tmp_path: Path) -> None:
    paths = [tmp_path / f"slice{number}.png" for number in range(3)]
    for path, pixels in zip(paths, head[3:], strict=False):
        Image.fromarray(pixels).save(path)
    upload(page, *paths)
    person = shares(page, ".bars.person")
    answers = json.loads(run_cli("predict", "--json", "--model", models / "student.tflite", *paths).stdout)
    rows = np.array([list(answer["probabilities"].values()) for answer in answers["predictions"]])
    np.testing.assert_allclose(person, 100 * rows.mean(axis=0), atol=0.051)
    np.testing.assert_allclose(shares(page), 100 * rows[1], atol=0.051)
    page.locator(".thumb").nth(2).click()
    page.locator("[data-show=name]", has_text="slice2.png").first.wait_for()
    np.testing.assert_allclose(shares(page), 100 * rows[2], atol=0.051)
    page.get_by_label("Several slices are of one person").uncheck()
    page.locator(".bars.person").wait_for(state="detached")
    np.testing.assert_allclose(shares(page), 100 * rows[2], atol=0.051)


def test_a_volume_is_scrolled_through_by_keyboard(page: Any, models: Path, volume: Path) -> None:
    """And costs the server nothing: all slices came with the answer."""
    upload(page, volume)
    wanted = told("--model", models / "student.tflite", volume)
    np.testing.assert_allclose(
        shares(page, ".bars.person"), [100 * share for share in wanted["probabilities"].values()], atol=0.051
    )
    assert page.locator(".thumb").count() == len(wanted["slices"]) == 10
    assert page.locator(".curve .line").count() == 4
    slider(page).focus()
    number, before = int(slider(page).input_value()), page.locator(".viewer img.slice").get_attribute("src")
    asked: list[str] = []
    page.on("request", lambda r: r.method == "POST" and asked.append(r.url))
    page.keyboard.press("ArrowRight")
    page.locator("[data-show=name]", has_text=f"head.nii.gz, slice {number + 1}").first.wait_for()
    assert page.locator(".viewer img.slice").get_attribute("src") != before
    np.testing.assert_allclose(
        shares(page), [100 * share for share in wanted["slices"][number]["probabilities"].values()], atol=0.051
    )
    box = page.locator(".curve svg").bounding_box()
    page.locator(".curve svg").click(position={"x": box["width"] * 0.05, "y": box["height"] / 2})
    page.locator("[data-show=name]", has_text="head.nii.gz, slice 1").first.wait_for()
    assert slider(page).input_value() == "1" and asked == []
    assert "JANE" not in page.content()


def test_the_heat_map_fades_and_speaks_for_another_stage(page: Any) -> None:
    page.get_by_role("button", name="Draw a slice").click()
    heat = page.locator(".viewer img.heat")
    heat.wait_for()
    opacity = page.locator("#heat-slider input[type=range]")
    opacity.focus()
    assert heat.evaluate("image => getComputedStyle(image).opacity") == "0.5"
    page.keyboard.press("Home")
    page.wait_for_function("getComputedStyle(document.querySelector('.viewer img.heat')).opacity === '0'")
    page.keyboard.press("End")
    page.wait_for_function("getComputedStyle(document.querySelector('.viewer img.heat')).opacity === '1'")
    maps = [heat.get_attribute("src")]
    # Moderate dementia is never the most probable here, so each choice changes the map.
    for title in (TITLES[3], TITLES[2], TITLES[1], TITLES[0]):
        page.locator("#evidence input").click()
        page.get_by_role("option", name=title, exact=True).click()
        page.wait_for_function("before => document.querySelector('.viewer img.heat').src !== before", arg=maps[-1])
        maps.append(heat.get_attribute("src"))
    assert len(set(maps[1:])) == 4
    assert "by the model's own arithmetic" in page.locator("body").inner_text()


def test_a_heat_map_is_orange_for_and_blue_against() -> None:
    evidence = np.zeros((13, 11), np.float32)
    evidence[3, 3], evidence[9, 8] = 2.0, -1.0
    layer = heat_layer(evidence, 2.0)
    assert layer.shape == (39, 33, 4)
    assert tuple(layer[10, 10, :3]) == FOR and layer[10, 10, 3] > 200
    assert tuple(layer[28, 25, :3]) == AGAINST and 100 < layer[28, 25, 3] < 140
    assert layer[38, 0, 3] == 0


def test_labels_are_downloaded_kept_and_harmless(page: Any, models: Path, volume: Path) -> None:
    upload(page, volume)
    page.locator(".bars.person").wait_for()
    page.get_by_role("tab", name="Label").click()
    page.get_by_label("Comment").fill('=HYPERLINK("http://evil")')
    page.get_by_role("radio", name=TITLES[3]).check()
    page.get_by_role("button", name="Add label").click()
    page.locator("#labels tbody tr").wait_for()
    page.get_by_role("radio", name="the person").check()
    page.get_by_role("radio", name="As the model says").check()
    page.get_by_role("button", name="Add label").click()
    page.locator("#labels tbody tr").nth(1).wait_for()
    page.reload()
    page.get_by_role("tab", name="Label").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download 2 labels as CSV").click()
    assert download.value.suggested_filename == "alzedge-labels.csv"
    text = Path(download.value.path()).read_bytes().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["slice"] for row in rows] == ["head.nii.gz, slice 6", "head.nii.gz, all slices"]
    assert rows[0]["reviewer_stage"] == STAGES[3] and rows[0]["comment"] == '\'=HYPERLINK("http://evil")'
    assert rows[1]["reviewer_stage"] == rows[1]["model_stage"] and rows[1]["agrees"] == "yes"
    assert rows[0]["model_sha256"] == read_tflite(models / "student.tflite")[1]["sha256"]
    # The operator asked for labels, and has them.
    assert (models / "labels" / "labels.csv").read_bytes().decode() == text
    page.get_by_role("button", name="Clear all").click()
    page.get_by_text("No labels yet").wait_for()


def test_what_the_guard_refuses_gets_no_probabilities_and_the_page_goes_on(page: Any, tmp_path: Path) -> None:
    path = tmp_path / "cat.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)).save(path)
    upload(page, path)
    refusal = page.get_by_role("alert").filter(has_text="No answer")
    refusal.wait_for()
    assert "cat.png: this does not look like an axial brain MRI slice" in refusal.inner_text()
    assert "skull-stripped" in refusal.inner_text() and page.locator(".bars").count() == 0
    page.get_by_role("button", name="Draw a slice").click()
    assert len(shares(page)) == 4


def test_what_is_no_image_is_refused_kindly(page: Any, tmp_path: Path) -> None:
    path = tmp_path / "cat.jpg"
    path.write_text("meow")
    upload(page, path)
    refusal = page.get_by_role("alert").filter(has_text="No answer")
    refusal.wait_for()
    assert "cat.jpg" in refusal.inner_text() and str(tmp_path) not in refusal.inner_text()


def test_student_and_teacher_answer_side_by_side(page: Any, volume: Path) -> None:
    upload(page, volume)
    page.locator(".bars.person").wait_for()
    page.get_by_role("tab", name="Student and teacher").click()
    page.locator(".sides").wait_for()
    text = page.get_by_role("region", name="Student and teacher").inner_text()
    # Both files hold one network here, so they must agree.
    assert "They name the same stage on 10 of 10 slices" in text
    assert "teacher-float32" in text and "student-int8" in text and "1.0 times its size" in text
    assert len(re.findall(r"[\d.]+ ms", text)) == 2


def test_the_page_fits_a_phone(browser: Any, address: str, volume: Path) -> None:
    with browsing(browser, address, has_touch=True) as page:
        page.set_viewport_size({"width": 390, "height": 844})
        upload(page, volume)
        page.locator(".bars.person").wait_for()
        page.get_by_role("button", name="The model's card").click()
        for tab in ("Student and teacher", "Label", "Answer"):
            page.get_by_role("tab", name=tab).click()
            assert page.evaluate("document.documentElement.scrollWidth") <= 390, tab
        # The disclaimer stays, wherever one is.
        page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
        box = page.get_by_text(DISCLAIMER).first.bounding_box()
        assert box["y"] >= 0 and box["y"] + box["height"] <= 844


def test_the_page_is_dark_where_the_visitor_wants_it(browser: Any, address: str) -> None:
    """And can be read: WCAG's contrast of 4.5 between each text and what is behind it."""
    with browsing(browser, address, color_scheme="dark") as page:
        page.get_by_role("button", name="Draw a head").click()
        page.locator(".curve").wait_for()
        for selector in (
            ".panel h2",
            ".bars .share",
            ".trust p",
            ".measured",
            ".curve figcaption",
            "#disclaimer strong",
        ):
            colours = page.locator(selector).first.evaluate(
                """node => {
                  const behind = (n) => { const c = getComputedStyle(n).backgroundColor;
                    return /, 0\\)$/.test(c) && n.parentElement ? behind(n.parentElement) : c; };
                  return [getComputedStyle(node).color, behind(node)];
                }"""
            )
            front, back = (luminance(colour) for colour in colours)
            assert (max(front, back) + 0.05) / (min(front, back) + 0.05) >= 4.5, (selector, colours)


def luminance(colour: str) -> float:
    """Relative luminance of 'rgb(r, g, b)', as WCAG 2 defines it."""
    values = np.array(re.findall(r"[\d.]+", colour)[:3], float) / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_a_phantom_can_be_asked_about_by_keyboard_alone(page: Any) -> None:
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == "Draw a slice":
            break
    page.keyboard.press("Enter")
    assert len(shares(page)) == 4


def test_no_cell_of_a_csv_is_a_formula() -> None:
    cells = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "＝1", "fine", "a\n=b", '"=1']
    rows = [dict.fromkeys(COLUMNS, "") | {"comment": cell} for cell in cells]
    found = [row["comment"] for row in csv.DictReader(io.StringIO(csv_text(rows), newline=""))]
    assert found == [f"'{cell}" for cell in cells[:8]] + cells[8:]


def test_only_labels_are_taken_back_from_a_browser() -> None:
    good = dict.fromkeys(COLUMNS, "x")
    bad: list[Any] = [None, 3, {}, good | {"more": "x"}, good | {"utc": 3}, good | {"comment": "x" * 10_000}]
    assert checked_rows([*bad, good]) == [good]
    assert checked_rows({"a": 1}) == checked_rows(None) == []


def test_the_page_needs_no_tensorflow() -> None:
    code = (
        "import sys; from alzedge.demo.serving.server import make_app; make_app(None)\n"
        "print([m for m in ('tensorflow', 'keras') if m in sys.modules])"
    )
    result = run_code(code)
    assert result.stdout.strip() == "[]", result.stderr


def test_what_is_no_teacher_is_one_sentence(models: Path) -> None:
    assert_refused(run_cli("demo", "--teacher", models / "student.tflite"), "not a teacher")


def test_a_taken_port_is_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert_refused(run_cli("demo", "--port", port), port, "another --port")
