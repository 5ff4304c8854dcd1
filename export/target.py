"""File to export a student to: its format and variants, and the refusals that need no work."""

from dataclasses import dataclass
from pathlib import Path

from alzedge.errors import UserError
from alzedge.export.convert.format_traits import TRAITS
from alzedge.imaging.preprocessing import Preprocessing
from alzedge.imaging.steps import lookup_of
from alzedge.inference.measures.demographics import DEMOGRAPHICS
from alzedge.model_file.read_write import ModelKind, Record, read_folder_record


@dataclass(frozen=True)
class Target:
    """Kind of file to export to.

    Attributes:
        format: a name from `alzedge.export.convert.format_traits.TRAITS`.
        heat_map: with a second output; see `alzedge.export.convert.heat_map`.
        rgb: behind a whole colour image; see `alzedge.export.convert.rgb`.
        max_auc_drop: largest fall of the AUC of any dementia below the Keras student's, 0 to 1; None: see
            `alzedge.export.verify.limits`.
    """

    format: str
    heat_map: bool = False
    rgb: bool = False
    max_auc_drop: float | None = None

    def check(self, student: Path, record: Record, output: Path) -> None:
        """Refuse what cannot be exported or written, before any work.

        Args:
            student: file to export, for the message.
            record: the student's.
            output: path to write.

        Raises:
            UserError: a format or variant that the network or its preprocessing does not allow, or a folder that is not ours.
        """
        traits, preprocessing = TRAITS[self.format], Preprocessing.from_dict(record["preprocessing"])
        if traits.trained and record.get(DEMOGRAPHICS):
            raise UserError(
                f"{student} has age and sex as a second input, and {self.format} trains on images alone; export it as int8."
            )
        if self.heat_map and (traits.trained or self.format == "keras"):
            raise UserError(f"No heat map with {self.format}; export the companion file as int8, float32 or onnx.")
        if self.rgb and traits.suffix != ".tflite":
            raise UserError(f"No colour input with {self.format}; only .tflite files have that variant.")
        if self.rgb and lookup_of(preprocessing.steps) is None:
            raise UserError(
                f"{student} wants the steps {', '.join(preprocessing.steps)} first, which a file for colour images "
                "cannot do itself; export without --rgb, or train a student with other steps."
            )
        if not traits.suffix and output.exists():
            read_folder_record(output)

    def kind(self, source: ModelKind) -> ModelKind:
        """Kind of the exported file, from that of its source."""
        return source.exported(self.format, self.heat_map, self.rgb)
