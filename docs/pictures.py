"""Draw docs/page.png and docs/browser.png with the bundled model, in headless Chromium by Playwright.

    alzedge demo & (cd docs/browser && npm ci && alzedge model --out . && python3 -m http.server 8000) &
    python docs/pictures.py

Needs `pip install playwright` and Debian's package `chromium`. The age told for the average of young adults is of its range.
"""

import io
import shutil
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page, sync_playwright

DOCS = Path(__file__).resolve().parent
SLICE = DOCS.parent / "demo/answering/example/slice4.png"
PAGE, BROWSER = "http://localhost:7860/", "http://localhost:8000/"
AGE = "30"
DESKTOP, PHONE = {"width": 900, "height": 600}, {"width": 344, "height": 600}


def draw_page(page: Page) -> bytes:
    """The page with its example answered and the age told, as far as the curve reaches."""
    page.goto(PAGE)
    page.locator("#age input, #age textarea").fill(AGE)
    page.get_by_role("button", name="Try the example").click()
    page.locator("#answer svg.norm circle").wait_for()
    page.mouse.move(0, 0)
    page.wait_for_timeout(1500)  # the veil over what changes has gone
    return page.screenshot()


def draw_browser(page: Page, heat: bool) -> bytes:
    """The whole page of docs/browser with a slice answered."""
    page.goto(BROWSER)
    page.locator("#phantom:enabled").wait_for()
    page.set_input_files("#file", {"name": "icbm152.png", "mimeType": "image/png", "buffer": SLICE.read_bytes()})
    page.locator("#of").get_by_text("icbm152.png", exact=True).wait_for()
    if heat:
        page.get_by_label("Show where the evidence lies").check()
        page.wait_for_timeout(500)
    return page.screenshot(full_page=True)


def beside(pictures: list[bytes], gap: int = 24) -> Image.Image:
    """Pictures side by side on white."""
    opened = [Image.open(io.BytesIO(picture)) for picture in pictures]
    width = sum(picture.width for picture in opened) + gap * (len(opened) - 1)
    canvas = Image.new("RGB", (width, max(picture.height for picture in opened)), "white")
    left = 0
    for picture in opened:
        canvas.paste(picture, (left, 0))
        left += picture.width + gap
    return canvas


def main() -> None:
    """Write both pictures beside this file."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        new: Any = chromium.new_page
        (DOCS / "page.png").write_bytes(
            draw_page(new(viewport={"width": 1366, "height": 860}, reduced_motion="reduce"))
        )
        desktop = draw_browser(new(viewport=DESKTOP), heat=False)
        phone = draw_browser(new(viewport=PHONE, color_scheme="dark"), heat=True)
        beside([desktop, phone]).save(DOCS / "browser.png", optimize=True)
        chromium.close()


if __name__ == "__main__":
    main()
