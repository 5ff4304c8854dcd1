"""TensorFlow's converter against litert-quantizer on a real student: what `alzedge.export.convert.tflite` says about them.

    pip install litert-quantizer==0.11.0
    python tests/reference/compare_quantizers.py STUDENT.keras DATA [FOLDER]

With a FOLDER the files are kept there beside the held-out slices, and an older runtime, in an environment of its own,
can be asked for its answers:

    pip install tflite-runtime==2.14.0 'numpy<2'
    python tests/reference/compare_quantizers.py --answers FOLDER
"""

import gzip
import sys
import tempfile
from pathlib import Path

import numpy as np


def main(student: Path, data: str, folder: Path) -> None:
    from alzedge.data.dataset import split_dataset
    from alzedge.export.convert import tflite as convert
    from alzedge.export.convert.contents import tflite_contents
    from alzedge.export.prepared_student import prepare_student
    from alzedge.runs.split_run import made_with
    from alzedge.inference.interpreters import TFLiteInterpreter
    from alzedge.commands.data_sets import load_source
    from alzedge.model_file.read_write import read_keras_record

    source = load_source((data,), None, None)
    recipe, name = made_with(read_keras_record(student), source.dataset, source.recipe, student)
    split = split_dataset(source.dataset, name, recipe.fold)
    prepared = prepare_student(student, source.dataset, split, recipe)
    model, float32, held = prepared.model, prepared.float32, prepared.held_out
    calibration = prepared.inputs(prepared.calibration)
    files = {
        "float32": float32,
        "dynamic": convert.to_dynamic(model),
        "dynamic-litert": litert(float32, "dynamic_wi8_afp32"),
        "int8": convert.to_int8(model, calibration),
        "int8-litert": litert(float32, "static_wi8_ai8", calibration),
        "int8-litert-minmax": litert(float32, "static_wi8_ai8", calibration, min_max=True),
        "int16x8": convert.to_int16x8(model, calibration),
        "int16x8-litert": litert(float32, "static_wi8_ai16", calibration),
        "int16x8-litert-minmax": litert(float32, "static_wi8_ai16", calibration, min_max=True),
    }
    np.save(folder / "inputs.npy", held.inputs[:64])
    for name, flatbuffer in files.items():
        (folder / f"{name}.tflite").write_bytes(flatbuffer)
        difference = np.abs(TFLiteInterpreter(flatbuffer)(held.inputs)["probabilities"] - held.keras)
        contents = tflite_contents(flatbuffer)
        print(
            f"{name:<22} {len(flatbuffer):6} bytes, gzip {len(gzip.compress(flatbuffer, 9)):6}; difference "
            f"max {difference.max():.2e} mean {difference.mean():.2e}; "
            f"CONV_2D {contents.operators['CONV_2D']}, FULLY_CONNECTED {contents.operators['FULLY_CONNECTED']}"
        )


def litert(float32: bytes, name: str, calibration: np.ndarray | None = None, min_max: bool = False) -> bytes:
    from litert_quantizer import calibrator, quantizer, recipe
    from litert_quantizer.recipe_manager import RecipeManager
    from litert_quantizer.utils import qsv_utils

    made = getattr(recipe, name)()
    job = quantizer.Quantizer(float32)
    job.load_quantization_recipe(made)
    ranges = None
    if calibration is not None:
        manager = RecipeManager()
        manager.load_quantization_recipe(made)
        update = {"qsv_update_func": qsv_utils.min_max_update} if min_max else {}
        mode = calibrator.CalibrationMode.CALIBRATION_PRESERVE_ALL_TENSORS
        found = calibrator.Calibrator(float32, num_threads=1, mode=mode, **update)
        found.calibrate({"serving_default": [{"args_0": image[None]} for image in calibration]}, manager)
        ranges = found.get_model_qsvs()
    return bytes(job.quantize(ranges, enable_progress_report=False).quantized_model)


def answers(folder: Path) -> None:
    """Mean difference of each file's answers from float32's, under whichever interpreter is installed."""
    try:
        from tflite_runtime.interpreter import Interpreter
    except ImportError:
        from ai_edge_litert.interpreter import Interpreter
    inputs = np.load(folder / "inputs.npy")
    found = {}
    for path in sorted(folder.glob("*.tflite"), key=lambda path: path.stem != "float32"):
        try:
            interpreter = Interpreter(model_path=str(path))
            interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            print(f"{path.stem:<22} refused: {str(error).splitlines()[0]}")
            continue
        (given,), (asked,) = interpreter.get_input_details(), interpreter.get_output_details()
        found[path.stem] = np.stack([ask(interpreter, given, asked, image) for image in inputs])
        same = np.mean(found[path.stem].argmax(1) == found["float32"].argmax(1))
        print(f"{path.stem:<22} mean {np.abs(found[path.stem] - found['float32']).mean():.2e}; same stage {same:.0%}")


def ask(interpreter: object, given: dict, asked: dict, image: np.ndarray) -> np.ndarray:
    one = image[None]
    if given["dtype"] != np.float32:
        (scale, zero), limits = given["quantization"], np.iinfo(given["dtype"])
        one = np.clip(np.rint(one / scale) + zero, limits.min, limits.max).astype(given["dtype"])
    interpreter.set_tensor(given["index"], one)
    interpreter.invoke()
    answer = interpreter.get_tensor(asked["index"])[0].astype(np.float32)
    if asked["dtype"] != np.float32:
        answer = (answer - asked["quantization"][1]) * asked["quantization"][0]
    return answer


if __name__ == "__main__":
    if sys.argv[1] == "--answers":
        answers(Path(sys.argv[2]))
    elif len(sys.argv) > 3:
        Path(sys.argv[3]).mkdir(parents=True, exist_ok=True)
        main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(Path(sys.argv[1]), sys.argv[2], Path(temporary))
