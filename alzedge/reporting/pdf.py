"""A report as PDF (reportlab): one A4 page where the sentences fit on one, the research-only banner on every page."""

import io
from typing import Any
from xml.sax.saxutils import escape

from alzedge.reporting.content import TITLE, Report
from alzedge.reporting.wording import Line, curve_svg, figures, heading, identity, trust
from alzedge.stages import DISCLAIMER

_BANNER, _FAINT, _INK, _BAR, _TRACK = "#7a2e00", "#51607a", "#16202c", "#2b6cb0", "#eef1f5"
_MARGIN, _WIDTH = 40, 503.0
_TILES_A_ROW = 8
_GAP = 4
_PICTURE_WIDTH, _PICTURE_HEIGHT = 0.48 * _WIDTH, 150.0


def report_pdf(report: Report) -> bytes:
    """Write a report as PDF; the same content gives the same bytes."""
    from reportlab.lib.pagesizes import A4
    from reportlab.platypus import SimpleDocTemplate

    buffer = io.BytesIO()
    document = SimpleDocTemplate(
        buffer,
        pagesize=A4,
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=46,
        bottomMargin=36,
        title=TITLE,
        author="AlzEdge",
        invariant=1,
    )
    document.build(_story(report), onFirstPage=_draw_banner, onLaterPages=_draw_banner)
    return buffer.getvalue()


def _draw_banner(canvas: Any, document: Any) -> None:
    width, height = document.pagesize
    canvas.saveState()
    canvas.setFillColor(_BANNER)
    canvas.rect(0, height - 26, width, 26, stroke=0, fill=1)
    canvas.rect(0, 0, width, 20, stroke=0, fill=1)
    canvas.setFillColor("#ffffff")
    canvas.setFont("Helvetica-Bold", 9)
    canvas.drawCentredString(width / 2, height - 17, DISCLAIMER)
    canvas.setFont("Helvetica", 7)
    canvas.drawCentredString(width / 2, 7, f"{DISCLAIMER}  Page {document.page}")
    canvas.restoreState()


def _story(report: Report) -> list[Any]:
    from reportlab.platypus import Spacer

    story = [_text(TITLE, size=10, colour=_FAINT), _text(heading(report), size=17, bold=True, after=5)]
    if report.person.any_dementia is not None:
        story += [_gauge(report.person.any_dementia.value, report.person.threshold), Spacer(1, 4)]
    story += [_table(figures(report), 9, bold=True), _small_heading("Slices"), _strip(report)]
    if report.legend:
        story.append(_text(f"Below: {report.legend}", size=7.5, colour=_FAINT))
    beside = _beside(report)
    if beside is not None:
        story.append(beside)
    story.append(_small_heading("How far to trust it"))
    story += [_text(f"• {sentence}", size=8.5, after=1.5, indent=8) for sentence in trust(report)]
    story += [_small_heading("Made from"), _table(identity(report), 7.5)]
    return story


def _text(
    text: str,
    size: float = 9,
    bold: bool = False,
    colour: str = _INK,
    after: float = 2,
    indent: float = 0,
    before: float = 0,
) -> Any:
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.platypus import Paragraph

    style = ParagraphStyle(
        "text",
        fontName="Helvetica-Bold" if bold else "Helvetica",
        fontSize=size,
        leading=1.25 * size,
        textColor=colour,
        spaceBefore=before,
        spaceAfter=after,
        leftIndent=indent,
        firstLineIndent=-indent,
        splitLongWords=1,
    )
    return Paragraph(_plain(text), style)


def _plain(text: str) -> str:
    """Text without markup, of letters that the built-in fonts have."""
    return escape(text.encode("cp1252", "replace").decode("cp1252"))


def _small_heading(text: str) -> Any:
    return _text(text.upper(), size=7.5, bold=True, colour=_FAINT, before=7)


def _table(lines: list[Line], size: float, bold: bool = False) -> Any:
    from reportlab.platypus import Table, TableStyle

    rows = []
    for line in lines:
        note = f" ({line.note})" if line.note else ""
        rows.append([_text(line.name, size, colour=_FAINT, after=0), _text(f"{line.value}{note}", size, bold, after=0)])
    style = [("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), 0)]
    style += [("TOPPADDING", (0, 0), (-1, -1), 1), ("BOTTOMPADDING", (0, 0), (-1, -1), 1)]
    return Table(rows, colWidths=[0.36 * _WIDTH, 0.64 * _WIDTH], style=TableStyle(style))


def _gauge(score: float, threshold: float | None) -> Any:
    """The score on a line from 0 to 1, with the threshold as a mark."""
    from reportlab.graphics.shapes import Drawing, Rect

    drawing = Drawing(_WIDTH, 14)
    drawing.add(Rect(0, 2, _WIDTH, 10, fillColor=_colour(_TRACK), strokeColor=None, rx=5, ry=5))
    drawing.add(Rect(0, 2, max(10.0, score * _WIDTH), 10, fillColor=_colour(_BAR), strokeColor=None, rx=5, ry=5))
    if threshold is not None:
        drawing.add(Rect(threshold * _WIDTH - 1, 0, 2, 14, fillColor=_colour(_INK), strokeColor=None))
    return drawing


def _colour(text: str) -> Any:
    from reportlab.lib.colors import HexColor

    return HexColor(text)


def _strip(report: Report) -> Any:
    from reportlab.platypus import Table, TableStyle

    width = _WIDTH / _TILES_A_ROW - _GAP
    slices = [_picture(tile.slice, width, 2 * width) for tile in report.tiles]
    rows = [slices]
    if any(tile.heat for tile in report.tiles):
        rows.append([_picture(tile.heat, width, 2 * width) if tile.heat else "" for tile in report.tiles])
    rows.append([_text(tile.caption, size=6.5, colour=_FAINT, after=0) for tile in report.tiles])
    style = [("LEFTPADDING", (0, 0), (-1, -1), 0), ("RIGHTPADDING", (0, 0), (-1, -1), _GAP)]
    style += [("TOPPADDING", (0, 0), (-1, -1), 1), ("BOTTOMPADDING", (0, 0), (-1, -1), 1)]
    return Table(rows, colWidths=[width + _GAP] * len(slices), hAlign="LEFT", style=TableStyle(style))


def _beside(report: Report) -> Any | None:
    """Registration picture and normative curve, side by side; None where there is neither."""
    from reportlab.platypus import Table, TableStyle

    titles, pictures = [], []
    if report.registration is not None and report.registration.picture is not None:
        titles.append(_small_heading("Registration"))
        pictures.append(_picture(report.registration.picture, _PICTURE_WIDTH, _PICTURE_HEIGHT))
    curve = curve_svg(report)
    if curve is not None:
        titles.append(_small_heading("Brain volume by age"))
        pictures.append(_drawing(curve, _PICTURE_WIDTH, _PICTURE_HEIGHT))
    if not pictures:
        return None
    style = [("LEFTPADDING", (0, 0), (-1, -1), 0), ("VALIGN", (0, 0), (-1, -1), "TOP")]
    widths = [_WIDTH / 2] * len(pictures)
    return Table([titles, pictures], colWidths=widths, hAlign="LEFT", style=TableStyle(style))


def _drawing(svg: str, width: float, height: float) -> Any:
    """An SVG of our own as lines, as large as fits."""
    from svglib.svglib import svg2rlg

    drawing = svg2rlg(io.BytesIO(svg.encode()))
    scale = min(width / drawing.width, height / drawing.height)
    drawing.scale(scale, scale)
    drawing.width, drawing.height = drawing.width * scale, drawing.height * scale
    return drawing


def _picture(data: bytes, width: float, height: float) -> Any:
    """A picture as large as fits."""
    from PIL import Image as Pillow
    from reportlab.platypus import Image

    with Pillow.open(io.BytesIO(data)) as picture:
        scale = min(width / picture.width, height / picture.height)
        return Image(io.BytesIO(data), picture.width * scale, picture.height * scale)
