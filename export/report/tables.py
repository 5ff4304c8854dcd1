"""Tables as Markdown, and the titles of splits and baselines in them and in plots."""

from alzedge.utils.text_table import Rows

BASELINES = {"nearest_neighbour": "1-nearest neighbour", "majority": "majority class"}
_SPLIT_TITLES = {
    "official": "official split",
    "subject": "unseen people",
    "random": "random slices",
    "leaky": "random slices of the same people (leaky)",
    "crossval": "unseen people, cross-validated",
    "external": "external data",
}


def capitalised(text: str) -> str:
    """Begin a text with a capital and leave the rest as it is."""
    return text[:1].upper() + text[1:]


def split_title(name: str) -> str:
    """Title of a split in tables and plots."""
    return _SPLIT_TITLES[name]


def markdown_rows(rows: Rows) -> str:
    """Lay out a table in Markdown."""
    header, *body = ("| " + " | ".join(row) + " |" for row in rows)
    return "\n".join([header, "|" + "---|" * len(rows[0]), *body])
