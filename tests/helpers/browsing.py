"""Headless Chromium as a visitor of the page; for tests that drive it."""

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
# Nothing but the page itself may be asked for; Chromium's own background traffic is off.
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]


@contextlib.contextmanager
def browsing(browser: Any, address: str, **options: Any) -> Iterator[Any]:
    """A visitor with an empty browser; whatever is asked of other hosts, or fails in a script, fails the test."""
    options = {"viewport": {"width": 1366, "height": 768}, "reduced_motion": "reduce", **options}
    with contextlib.closing(browser.new_context(**options)) as context:
        page, wrong = context.new_page(), []
        page.set_default_timeout(60_000)
        page.wrong = wrong
        page.on("request", lambda r: r.url.startswith((address, "data:", "blob:")) or wrong.append(r.url))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: said.type == "error" and wrong.append(said.text))
        page.goto(address)
        page.get_by_role("button", name="Try the example").wait_for()
        yield page
        if folder := os.environ.get("ALZEDGE_SCREENSHOTS"):
            name = os.environ["PYTEST_CURRENT_TEST"].split("::")[1].split(" ")[0]
            page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
        assert wrong == []


def upload(page: Any, *paths: Path) -> None:
    """Give files to the page, as choosing them does."""
    page.set_input_files("input[type=file]", [str(path) for path in paths])


def named(page: Any, name: str) -> None:
    """Wait until the slice on show has this name."""
    page.locator(".this-slice [data-show=name]", has_text=name).wait_for()


def contrast(place: Any) -> float:
    """WCAG 2's contrast of a text with what is behind it."""
    colours = place.evaluate(
        """node => {
          const behind = (n) => { const c = getComputedStyle(n).backgroundColor;
            return /, 0\\)$/.test(c) && n.parentElement ? behind(n.parentElement) : c; };
          return [getComputedStyle(node).color, behind(node)];
        }"""
    )
    front, back = (luminance(colour) for colour in colours)
    return (max(front, back) + 0.05) / (min(front, back) + 0.05)


def luminance(colour: str) -> float:
    """Relative luminance of 'rgb(r, g, b)', as WCAG 2 defines it."""
    values = np.array(re.findall(r"[\d.]+", colour)[:3], float) / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])
