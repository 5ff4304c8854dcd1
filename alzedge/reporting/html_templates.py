"""Templates that become HTML, by the same rules wherever the house writes some."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment


def html_templates(package: str) -> "Environment":
    """Open the templates of a room: every value is escaped, and one that is missing is an error.

    Args:
        package: the room whose folder `templates` holds them.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
