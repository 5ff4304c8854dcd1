"""Kinds of model files: the role of the network, the format of the file, and its variants."""

from dataclasses import dataclass, replace
from enum import StrEnum

from alzedge.errors import UserError

KERAS = "keras"
_HEAT_MAP, _RGB = "-heat-map", "-rgb"


class Role(StrEnum):
    """Part that a network plays."""

    PRETRAINED = "pretrained"  # gives projections, no probabilities
    TEACHER = "teacher"
    STUDENT = "student"
    REFERENCE = "reference"  # a network to compare a student's speed with; its answers mean nothing


@dataclass(frozen=True)
class ModelKind:
    """Kind of a model file.

    Attributes:
        role: of the network.
        format: a name from `alzedge.export.convert.formats.FORMATS`, such as 'int8'; 'keras' for the network as trained.
        heat_map: whether the file has a heat map as a second output.
        rgb: whether its input is a whole colour image.
    """

    role: Role
    format: str = KERAS
    heat_map: bool = False
    rgb: bool = False

    def __str__(self) -> str:
        """The text that records hold, such as 'student-int8-heat-map'; the format of Keras files is left out."""
        format_ = "" if self.format == KERAS else f"-{self.format}"
        return f"{self.role}{format_}{_HEAT_MAP * self.heat_map}{_RGB * self.rgb}"

    @classmethod
    def parse(cls, text: str) -> "ModelKind":
        """Read a record's entry `kind`.

        Raises:
            UserError: a role this version does not know.
        """
        rgb, text = text.endswith(_RGB), text.removesuffix(_RGB)
        heat_map, text = text.endswith(_HEAT_MAP), text.removesuffix(_HEAT_MAP)
        role, _, format_ = text.partition("-")
        if role not in list(Role):
            raise UserError(f"The model is of a kind unknown to this version, {role!r}; update alzedge.")
        return cls(Role(role), format_ or KERAS, heat_map, rgb)

    def exported(self, format_: str, heat_map: bool = False, rgb: bool = False) -> "ModelKind":
        """Kind of the file that this network is exported to."""
        return replace(self, format=format_, heat_map=heat_map, rgb=rgb)

    @property
    def gives_probabilities(self) -> bool:
        """True where its answers are probabilities of the stages."""
        return self.role in (Role.TEACHER, Role.STUDENT)
