"""Addresses that the page names beside its title."""

from importlib import metadata


def page_links() -> dict[str, str]:
    """Name and address of each: the model's card, the papers, the data, and the source where the package knows it."""
    links = {
        "Model card": "#card",
        "Paper": "https://arxiv.org/abs/2006.10029",
        "Data": "https://sites.wustl.edu/oasisbrains/",
    }
    source = _source()
    return links | ({"Source": source} if source else {})


def _source() -> str | None:
    """The address of the source in the installed package's metadata (`[project.urls]`)."""
    try:
        urls = metadata.metadata("alzedge").get_all("Project-URL") or []
    except metadata.PackageNotFoundError:
        return None
    named = dict(url.split(", ", 1) for url in urls if ", " in url)
    address = named.get("Source") or named.get("Repository")
    return address if address and address.startswith("https://") else None
