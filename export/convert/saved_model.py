"""Keras models as SavedModels that TensorFlow Serving takes, byte for byte the same every time."""

import tempfile
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.framework import tensor_util
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from alzedge.export.convert.contents import Contents, contents_of
from alzedge.export.convert.probabilities import PROBABILITIES
from alzedge.inference.measures.demographics import DEMOGRAPHICS
from alzedge.model_file.read_write import Record, read_folder_record, seal_folder
from alzedge.utils.files import write_bytes

_SIGNATURE = "serving_default"
_FILE = "saved_model.pb"
# Where TensorFlow Serving looks for requests that it answers before it says that the model is ready.
WARM_UP = "assets.extra/tf_serving_warmup_requests"
# Fields of tensorflow_serving's messages `PredictionLog`, `PredictLog`, `PredictRequest`, `ModelSpec` and of a map's entries.
_PREDICT_LOG, _REQUEST, _MODEL_SPEC, _INPUTS, _NAME, _SIGNATURE_NAME, _KEY, _VALUE = 6, 1, 1, 2, 1, 3, 1, 2


def to_saved_model(model: keras.Model) -> bytes:
    """Convert to a SavedModel whose weights are constants of its graph: one file, no variables.

    An ordinary SavedModel holds names that count up in the process, variables in the order of a
    set and a random identifier. This one has nothing but the graph, and signature
    `serving_default`: `images` float32 (N, rows, columns, 1), preprocessed, and of a model that has them `demographics`
    float32 (N, 4), to `probabilities` float32 (N, 4) and the model's further outputs by name.

    Args:
        model: images, or `[images, demographics]`, to outputs of the file; see `alzedge.export.convert.probabilities.with_probabilities`.

    Returns:
        Content of `saved_model.pb`, the only file of the folder.
    """
    names = sorted(model.output) if isinstance(model.output, dict) else [PROBABILITIES]
    given = ["images"] if len(model.inputs) == 1 else [one.name for one in model.inputs]
    several = [
        tf.TensorSpec((None, *one.shape[1:]), tf.float32, name=name)
        for name, one in zip(given, model.inputs, strict=True)
    ]

    def call(*inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        made = model(inputs[0] if len(inputs) == 1 else list(inputs), training=False)
        outputs = made if isinstance(made, dict) else {PROBABILITIES: made}
        return {name: tf.identity(output, name=name) for name, output in outputs.items()}

    frozen = convert_variables_to_constants_v2(tf.function(call).get_concrete_function(*several))
    graph = frozen.graph.as_graph_def()
    graph.library.Clear()
    inputs = {name: tensor.name for name, tensor in zip(given, frozen.inputs, strict=True)}
    # In alphabetical order, as TensorFlow flattens dictionaries.
    outputs = {name: tensor.name for name, tensor in zip(names, frozen.outputs, strict=True)}
    return _packed(graph, inputs, outputs)


def _packed(graph: tf.compat.v1.GraphDef, inputs: dict[str, str], outputs: dict[str, str]) -> bytes:
    with tf.Graph().as_default() as whole:
        tf.import_graph_def(graph, name="")
        info = tf.compat.v1.saved_model.build_tensor_info
        sides = (
            {key: info(whole.get_tensor_by_name(tensor)) for key, tensor in side.items()} for side in (inputs, outputs)
        )
        signature = tf.compat.v1.saved_model.build_signature_def(*sides, "tensorflow/serving/predict")
    saved = saved_model_pb2.SavedModel(saved_model_schema_version=1)
    meta = saved.meta_graphs.add()
    meta.meta_info_def.tags.append("serve")
    meta.meta_info_def.tensorflow_version = tf.__version__
    meta.graph_def.CopyFrom(whole.as_graph_def())
    meta.signature_def[_SIGNATURE].CopyFrom(signature)
    return bytes(saved.SerializeToString(deterministic=True))


def write_saved_model(folder: Path, model: bytes, record: Record) -> None:
    """Write the folder with its record, whole or not at all; an earlier export of ours is replaced.

    With it comes the request that TensorFlow Serving answers before it says that the model is ready.

    Raises:
        UserError: a folder or file that is not an export of ours is there.
    """
    if folder.exists():
        read_folder_record(folder)  # refuses what is not ours
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".alzedge-tmp-") as temporary:
        made = Path(temporary) / folder.name
        write_bytes(made / _FILE, model)
        _write_warm_up(made / WARM_UP, model)
        seal_folder(made, record)
        if folder.exists():
            folder.rename(Path(temporary) / "old")
        made.rename(folder)


def _write_warm_up(path: Path, model: bytes) -> None:
    """Write one `PredictionLog` as a TFRecord file: a black slice for each input of the signature.

    https://www.tensorflow.org/tfx/serving/saved_model_warmup; the messages are written by their few fields, since the
    package that has them, tensorflow-serving-api, is needed for nothing else.
    """
    signature = saved_model_pb2.SavedModel.FromString(model).meta_graphs[0].signature_def[_SIGNATURE]
    inputs = b""
    for name, info in sorted(signature.inputs.items()):
        shape = [1 if size.size < 0 else size.size for size in info.tensor_shape.dim]
        black = tf.make_tensor_proto(np.zeros(shape, tf.as_dtype(info.dtype).as_numpy_dtype))
        entry = _field(_KEY, name.encode()) + _field(_VALUE, black.SerializeToString(deterministic=True))
        inputs += _field(_INPUTS, entry)
    spec = _field(_NAME, b"alzedge") + _field(_SIGNATURE_NAME, _SIGNATURE.encode())
    request = _field(_REQUEST, _field(_MODEL_SPEC, spec) + inputs)
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        writer.write(_field(_PREDICT_LOG, request))


def _field(number: int, content: bytes) -> bytes:
    """A field of a protocol buffer's message that holds text or another message."""
    size, length = len(content), b""
    while size > 127:
        length, size = length + bytes([size & 127 | 128]), size >> 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + content


def saved_model_outputs(
    model: bytes, inputs: NDArray[np.float32], demographics: NDArray[np.float32] | None = None
) -> dict[str, NDArray[np.float32]]:
    """Load `saved_model.pb` from a folder and call its signature, as TensorFlow Serving would.

    Args:
        model: content of `saved_model.pb`.
        inputs: float32 (N, rows, columns, 1), preprocessed.

    Returns:
        Its outputs by name; `probabilities` float32 (N, 4) is one.
    """
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / _FILE).write_bytes(model)
        serve = tf.saved_model.load(folder).signatures[_SIGNATURE]
        given = {"images": inputs} | ({} if demographics is None else {DEMOGRAPHICS: demographics})
        blocks = [
            serve(**{name: tf.constant(values[i : i + 256]) for name, values in given.items()})
            for i in range(0, len(inputs), 256)
        ]
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


def saved_model_contents(model: bytes) -> Contents:
    """Read the contents of a `saved_model.pb` whose weights are constants of its graph."""
    graph = saved_model_pb2.SavedModel.FromString(model).meta_graphs[0].graph_def
    constants = [node for node in graph.node if node.op == "Const"]
    arrays = [(node.name, np.asarray(tensor_util.MakeNdarray(node.attr["value"].tensor))) for node in constants]
    return contents_of(model, [(name, array.dtype.name, array) for name, array in arrays])
