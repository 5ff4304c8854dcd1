"""Tables for the terminal: in columns, and no wider than a terminal is."""

import textwrap

WIDTH = 100
_BETWEEN = "  "

Rows = list[list[str]]


def in_columns(rows: Rows, width: int = WIDTH) -> str:
    """Lay out a table in columns; cells that are too long for it go on in the next line.

    Args:
        rows: header and rows, of the same number of cells.
        width: of the whole, in characters.
    """
    widths = _widths(rows, width - len(_BETWEEN) * (len(rows[0]) - 1))
    header, *body = (_lines(row, widths) for row in rows)
    return "\n".join(
        [*header, _BETWEEN.join("-" * column for column in widths), *(line for row in body for line in row)]
    )


def _widths(rows: Rows, room: int) -> list[int]:
    """Widths of the columns: as wide as their cells, the widest narrowed until all fit, first between words."""
    columns = list(zip(*rows, strict=True))
    widths = [max(map(len, column)) for column in columns]
    words = [max((len(word) for cell in column for word in cell.split()), default=0) for column in columns]
    for least in (words, [1] * len(widths)):
        while sum(widths) > room and any(width > low for width, low in zip(widths, least, strict=True)):
            widest = max(range(len(widths)), key=lambda i: (widths[i] > least[i], widths[i]))
            widths[widest] -= 1
    return widths


def _lines(row: list[str], widths: list[int]) -> list[str]:
    cells = [_wrapped(cell, width) for cell, width in zip(row, widths, strict=True)]
    height = max(map(len, cells))
    filled = [[*cell, *[""] * (height - len(cell))] for cell in cells]
    return [
        _BETWEEN.join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in zip(*filled, strict=True)
    ]


def _wrapped(cell: str, width: int) -> list[str]:
    if len(cell) <= width:
        return [cell]
    indent = cell[: len(cell) - len(cell.lstrip())]
    return textwrap.wrap(cell.strip(), width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
