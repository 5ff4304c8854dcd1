"""Answers of TensorFlow Lite Micro, and of LiteRT's own kernels, in a file's own numbers."""

import numpy as np

from alzedge.stages import STAGES


def output_of_stages(model: bytes) -> int:
    """Position of the probabilities among a file's outputs, in the order both interpreters have; others hold one number."""
    from ai_edge_litert.interpreter import Interpreter

    shapes = [list(output["shape"]) for output in Interpreter(model_content=model).get_output_details()]
    return shapes.index([1, len(STAGES)])


def micro_outputs(model: bytes, inputs: np.ndarray, arena: int = 1 << 20) -> np.ndarray:
    """The probabilities (N, 4) for inputs (N, rows, columns, 1), in an arena of that many bytes."""
    from tflite_micro.python.tflite_micro.runtime import Interpreter

    stages = output_of_stages(model)
    interpreter = Interpreter.from_bytes(model, arena_size=arena)
    outputs = []
    for one in inputs:
        interpreter.set_input(one[np.newaxis], 0)
        interpreter.invoke()
        outputs.append(interpreter.get_output(stages)[0].copy())
    return np.array(outputs)


def lite_outputs(model: bytes, inputs: np.ndarray, resolver: str) -> np.ndarray:
    """The probabilities (N, 4) of LiteRT, with the kernels of a name in `OpResolverType`."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(model_content=model, experimental_op_resolver_type=OpResolverType[resolver])
    interpreter.allocate_tensors()
    stages = output_of_stages(model)
    outputs = []
    for one in inputs:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], one[np.newaxis])
        interpreter.invoke()
        outputs.append(interpreter.get_tensor(interpreter.get_output_details()[stages]["index"])[0].copy())
    return np.array(outputs)
