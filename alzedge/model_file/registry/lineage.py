"""Lineage of a version: its data, its gate, and the champions before it."""

from alzedge.model_file.registry.client import Registry
from alzedge.model_file.registry.versions import Version, find_version, list_versions


def lineage(registry: Registry, wanted: str | int) -> list[Version]:
    """A version, the champion that it replaced, the one before, and so on to the first.

    Raises:
        UserError: there is no such version.
    """
    versions = {version.number: version for version in list_versions(registry)}
    line: list[Version] = []
    number: int | None = find_version(registry, wanted).number
    while number in versions and versions[number] not in line:
        line.append(versions[number])
        number = line[-1].replaced
    return line


def lineage_text(version: Version) -> str:
    """Lay out a version of a lineage in a few lines."""
    decision = version.gate
    names = f" ({', '.join(version.aliases)})" if version.aliases else ""
    against = "floors alone" if decision.against is None else f"the model with SHA-256 {decision.against[:12]}"
    people = "" if decision.people is None else f" on {decision.people} people"
    signed = f", signed by {decision.signed_by}" if decision.signed_by else ""
    gate = f"{decision.outcome} against {against}{people}{signed}" if decision.outcome else "never shown to it"
    entries = {
        "sha256": version.sha256,
        "data": version.data,
        "schema": version.schema or "none was pushed with it",
        "recipe": version.recipe,
        "gate": gate,
        "forced": version.forced,
        "replaced": "" if version.replaced is None else f"version {version.replaced}",
    }
    lines = [f"version {version.number}{names}"]
    lines += [f"  {name:<9} {text}" for name, text in entries.items() if text]
    return "\n".join([*lines, *(f"  {event}" for event in version.events)])
