"""A scan's way into the frame in HTML: the picture by which a person checks it, its verdict, and what was noted."""

import base64

from markupsafe import Markup

from alzedge.demo.answering.heads import Fit
from alzedge.demo.html.rendering import render


def fit_html(fit: Fit) -> Markup:
    """Show how a scan was brought into the frame: everything can be seen, nothing corrected."""
    picture = f"data:image/png;base64,{base64.b64encode(fit.picture).decode()}" if fit.picture else ""
    return render("fit", picture=picture, quality=fit.quality, notes=fit.notes)
