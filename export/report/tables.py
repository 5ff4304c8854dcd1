"""Tables as text and Markdown, and what tables and plots call the splits and baselines."""

FLOORS = {"nearest_neighbour": "1-nearest neighbour", "majority": "majority class"}
_SPLIT_TITLES = {
    "official": "official split",
    "subject": "unseen people",
    "random": "random slices",
    "crossval": "unseen people, cross-validated",
}

Rows = list[list[str]]


def split_title(name: str) -> str:
    """How tables and plots call a split."""
    return _SPLIT_TITLES[name]


def text_rows(rows: Rows) -> str:
    """A table in columns."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def markdown_rows(rows: Rows) -> str:
    """A table in Markdown."""
    header, *body = ("| " + " | ".join(row) + " |" for row in rows)
    return "\n".join([header, "|" + "---|" * len(rows[0]), *body])
