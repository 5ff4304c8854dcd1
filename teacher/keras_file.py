"""Keras models as files of ours: see `alzedge.model_file.read_write` for what a file holds."""

import tempfile
from pathlib import Path

import keras

from alzedge.errors import UserError
from alzedge.model_file.read_write import Record, read_keras_record, write_keras


def save_model(model: keras.Model, path: Path, record: Record) -> None:
    """Write `model` without its optimizer as a `.keras` file that carries `record`."""
    bare = keras.Model(model.input, model.output, name=model.name)
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "model.keras"
        bare.save(archive)
        write_keras(path, archive.read_bytes(), record)


def load_model(path: Path) -> tuple[keras.Model, Record]:
    """Read a `.keras` file of ours.

    Returns:
        The uncompiled model and its record.

    Raises:
        UserError: missing, not ours, damaged, or of layers this Keras does not know.
        OSError: Keras could not unpack it into the temporary folder.
    """
    record = read_keras_record(path)
    try:
        return keras.saving.load_model(path, compile=False), record
    except (ValueError, TypeError) as error:
        raise UserError(f"{path} was written by another version of Keras ({error}); train it again.") from error
