"""The first page as Gradio sends it, with its own facts in the head and a policy that allows its own scripts only."""

import base64
import hashlib
import re
from collections.abc import Mapping

from alzedge.demo.html.rendering import render

TITLE = "AlzEdge"
DESCRIPTION = (
    "Any dementia or none, from one brain MRI slice, by a network of a few kilobytes that tells how far to trust it. "
    "Research software, not a medical device."
)
# Gradio's page names Gradio's pictures and people.
_FOREIGN = re.compile(rb'<meta\s+(?:property="og:|name="twitter:)[^>]*>\s*')
_SCRIPT = re.compile(rb"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", re.DOTALL)


def own_page(html: bytes, address: str) -> bytes:
    """Replace the page's `og:` and `twitter:` entries.

    Args:
        html: from Gradio.
        address: of the page, for the picture's.
    """
    head = render("head", title=TITLE, description=DESCRIPTION, address=address).encode()
    start = html.find(b"<head>") + len(b"<head>")
    return html[:start] + b"\n" + head + _FOREIGN.sub(b"", html[start:])


def script_hashes(html: bytes) -> tuple[str, ...]:
    """Sources for a content security policy that allows the scripts within a page, and no other inline script."""
    return tuple(
        f"'sha256-{base64.b64encode(hashlib.sha256(script).digest()).decode()}'" for script in _SCRIPT.findall(html)
    )


def address_of(scope_headers: Mapping[bytes, bytes], scheme: str) -> str:
    """Address of the page as the visitor knows it, by the headers that a proxy adds."""
    host = scope_headers.get(b"x-forwarded-host", scope_headers.get(b"host", b"localhost")).decode("latin-1")
    proto = scope_headers.get(b"x-forwarded-proto", scheme.encode()).decode("latin-1").split(",")[0].strip()
    safe = re.fullmatch(r"[\w.\-:\[\]]{1,255}", host)
    return f"{'https' if proto == 'https' else 'http'}://{host if safe else 'localhost'}"
