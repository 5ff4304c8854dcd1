"""Answers for one slice on a device, with NumPy, Pillow and LiteRT alone: guard, answer, and where the evidence lies.

python3 alzedge_slice.py student_int8.tflite slice.png
python3 alzedge_slice.py student_int8.tflite slice.png student_int8_heatmap.tflite overlay.png
"""

import base64
import json
import sys
import zipfile

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image

AGE, SEX = None, None  # of the person, such as 74 and "F", for a file that weighs them; they are not stored
FOR, AGAINST = (213, 94, 0), (0, 114, 178)  # orange speaks for any dementia, blue against it


class Model:
    """A model file: a flatbuffer, and behind it a zip archive with `labels.txt` and `alzedge.json`."""

    def __init__(self, path):
        with zipfile.ZipFile(path) as archive:
            self.labels = archive.read("labels.txt").decode().split()
            self.record = json.loads(archive.read("alzedge.json"))
        self.interpreter = Interpreter(model_path=path, num_threads=1)
        self.interpreter.allocate_tensors()
        inputs = {len(into["shape"]): into for into in self.interpreter.get_input_details()}
        self.image, self.told = inputs[4], inputs.get(2)
        _, rows, columns, _ = self.image["shape"]
        self.shrink = self.record["preprocessing"]["shrink"]
        self.size = columns * self.shrink, rows * self.shrink

    def outputs(self, pixels):
        """The network's outputs by name; probabilities sum to 1."""
        into = self.image
        values = preprocess(pixels, self.record["preprocessing"])
        if into["dtype"] != np.float32:  # quantize
            scale, zero_point = into["quantization"]
            limits = np.iinfo(into["dtype"])
            values = np.clip(np.rint(values / np.float32(scale)) + zero_point, limits.min, limits.max)
        self.interpreter.set_tensor(into["index"], values.astype(into["dtype"]).reshape(into["shape"]))
        if self.told:
            self.interpreter.set_tensor(self.told["index"], demographics(self.record["demographics"]["age"], AGE, SEX))
        self.interpreter.invoke()
        # Read before the details of the signature are asked for: that may allocate the tensors anew.
        raw = {
            out["index"]: self.interpreter.get_tensor(out["index"])[0] for out in self.interpreter.get_output_details()
        }
        found = {}
        for name, out in self.named_outputs():
            answer = raw[out["index"]].astype(np.float32)
            if out["dtype"] != np.float32:
                scale, zero_point = out["quantization"]
                answer = (answer - zero_point) * np.float32(scale)
            found[name] = answer
        return found | {"probabilities": found["probabilities"] / found["probabilities"].sum()}

    def named_outputs(self):
        """Outputs by the file's signature; one of version 0.1 has probabilities and perhaps a heat map, without names."""
        outputs = self.interpreter.get_output_details()
        if len(outputs) > 2:
            outputs = self.interpreter.get_signature_runner().get_output_details()
            return [(name, out) for name, out in outputs.items()]
        return [("heat_map" if len(out["shape"]) == 4 else "probabilities", out) for out in outputs]


def demographics(scale, age, sex):
    """Age and sex as the second input takes them, (1, 4); all 0 where nothing is known."""
    years = scale["mean"] if age is None else min(max(age, scale["youngest"]), scale["oldest"])
    return np.array(
        [[(years - scale["mean"]) / scale["deviation"], age is not None, sex == "F", sex == "M"]], np.float32
    )


def preprocess(pixels, preprocessing):
    """Greys by a table, then rounded means of square blocks, in whole numbers, then a division; never resampled."""
    steps, shrink = preprocessing.get("steps", []), preprocessing["shrink"]
    if steps == ["white"]:
        table = white_table(pixels)
    elif "lookup" in preprocessing or not steps:
        table = np.array(preprocessing.get("lookup", range(256)))
    else:
        sys.exit(f"The model wants preprocessing that this program does not know: {', '.join(steps)}.")
    rows, columns = pixels.shape[0] // shrink, pixels.shape[1] // shrink
    blocks = table[pixels].reshape(rows, shrink, columns, shrink)
    means = (blocks.sum(axis=(1, 3), dtype=np.uint16) + shrink**2 // 2) // shrink**2
    return means.astype(np.float32) / np.float32(preprocessing["divide_by"])


def white_table(pixels):
    """White matter becomes equally bright on every slice: the grey below which 85 % of the tissue lies becomes 170."""
    tissue = np.sort(pixels[pixels >= 6])
    white = max(int(tissue[len(tissue) * 85 // 100]), 20) if len(tissue) else 20
    table = np.minimum(255, (170 * np.arange(256) + white // 2) // white)
    table[:4] = 0
    return table


def unlikeness(pixels, guard):
    """How unlike an axial brain slice a picture is, above 1 is refused: 16 x 16 block means, in the nearest band of heights."""

    def numbers(name, kind):
        return np.frombuffer(base64.b64decode(guard[name]), kind).astype(np.float64)

    if "bands" in guard:
        mean, components = numbers("mean", "u1") / 256, numbers("components", "i1") * guard["scale"]
        variance = np.array(guard["variance"])
    else:  # a file of version 0.1: one band
        mean, components, variance = (numbers(name, "<f2") for name in ("mean", "components", "variance"))
    means = pixels.reshape(13, 16, 11, 16).mean(axis=(1, 3)).ravel() / 255
    offset = means - mean.reshape(-1, len(means))
    components = components.reshape(len(variance), -1)
    within = offset @ components.T
    outside = offset - within @ components
    distance = (outside**2).sum(axis=1) / guard["residual"] + (within**2 / variance).mean(axis=1)
    return distance.min() / guard["threshold"]


def answer(measures, outputs):
    """Probabilities, and measured quantities as (value, low, high), by the rule for one slice of unknown height."""
    probabilities, found = outputs["probabilities"].astype(np.float64), {}
    if not measures:
        return probabilities, found
    rule = measures["anywhere"]
    fewer = max(0, 1 - 1 / rule["slices"][0])  # one slice has a larger error than the mean of a person's
    for name, least, most in (("brain_volume", 0, 1), ("age", 0, np.inf)):
        if rule[name] and name in outputs:
            part = rule[name]
            weight = part["slope"][0] / (part["covariance"][0] + max(part["within"][0], 0) * fewer)
            precision = part["slope"][0] * weight + 1 / part["variance"]
            told = weight * (float(outputs[name][0]) - part["intercept"][0])
            value = (told + part["mean"] / part["variance"]) / precision
            half = part["factor"][0] / precision**0.5
            found[name] = tuple(min(max(x, least), most) for x in (value, value - half, value + half))
    if rule["any_dementia"]:
        part = rule["any_dementia"]
        ill = np.clip(1 - probabilities[0], 1 / 512, 511 / 512)
        features = [np.log(ill / (1 - ill)), *outputs.get("brain_volume", [])][: part["features"]]
        covariance = np.zeros((len(features), len(features)))
        covariance[np.tril_indices(len(features))] = part["covariance"]
        covariance += np.tril(covariance, -1).T + np.diag(np.maximum(part["within"], 0) * fewer)
        without, with_ = np.array(part["without"]), np.array(part["with"])
        ratio = (features - (with_ + without) / 2) @ np.linalg.solve(covariance, with_ - without)
        any_dementia = 1 / (1 + np.exp(-(part["scale"] * ratio + part["offset"])))
        further = any_dementia / (1 + np.exp(-(part["beyond"][0] * ratio + part["beyond"][1])))  # mild or moderate
        _, mild, moderate = measures["stage_shares"]
        split = further * np.array([mild, moderate]) / (mild + moderate)
        probabilities = np.array([1 - any_dementia, any_dementia - further, *split])
        # Mild and moderate dementia share a limit; what lies between two stages of the set belongs to it.
        classes = np.array([*probabilities[:2], probabilities[2:].sum()])
        inside = np.flatnonzero(1 - classes <= part["stage_limit"][:3])
        found["stages"] = [s for s in range(4) if len(inside) and inside[0] <= min(s, 2) <= inside[-1]]
    return probabilities, found


def overlay(pixels, evidence):
    """The slice with evidence for any dementia over it, within the brain."""
    # What speaks against no dementia speaks for any.
    smooth = Image.fromarray(-evidence[..., 0]).resize((pixels.shape[1], pixels.shape[0]), Image.Resampling.BICUBIC)
    strength = (np.asarray(smooth) / (np.abs(evidence[..., 0]).max() or 1))[..., None].clip(-1, 1)
    inside = np.ones_like(pixels, bool)
    for bright, axis in ((pixels > 8, 0), (pixels > 8, 1)):  # bright pixels on both sides, across and down
        before = np.maximum.accumulate(bright, axis)
        inside &= before & np.flip(np.maximum.accumulate(np.flip(bright, axis), axis), axis)
    share = 0.6 * np.abs(strength) * inside[..., None]
    colour = np.where(strength > 0, FOR, AGAINST)
    return Image.fromarray(np.rint(pixels[..., None] * (1 - share) + colour * share).astype(np.uint8))


def main(path, image, companion=None, picture=None):
    """Print the answer; with a heat-map file, write the overlay too."""
    model = Model(path)
    try:
        slice_ = Image.open(image)
    except OSError:
        sys.exit(f"{image}: not there, or no picture; name a slice.")
    if slice_.mode != "L" or slice_.size != model.size:
        sys.exit(f"{image}: slices are 8-bit grey, {model.size[0]} wide and {model.size[1]} high.")
    pixels = np.asarray(slice_)
    guard = model.record.get("guard")
    if guard and (found := unlikeness(pixels, guard)) > 1:
        sys.exit(
            f"{image}: not an axial brain slice as the model knows them (unlikeness {found:.1f}, from 1 on refused)."
        )

    probabilities, measured = answer(model.record.get("measures"), model.outputs(pixels))
    threshold = (model.record.get("operating_threshold") or {}).get("value")
    score = 1 - probabilities[0]
    side = "" if threshold is None else f", {'above' if score >= threshold else 'below'} the threshold {threshold:.3f}"
    print(f"any dementia {score:.3f}{side}")
    if "brain_volume" in measured:
        print("brain volume {:.3f} ({:.3f} to {:.3f})".format(*measured["brain_volume"]))
    if "age" in measured:
        print("apparent age {:.0f} ({:.0f} to {:.0f})".format(*measured["age"]))
    if "stages" in measured:
        print("not ruled out:", ", ".join(model.labels[stage] for stage in measured["stages"]) or "no stage fits")
    for label, share in zip(model.labels, probabilities, strict=True):
        print(f"{label:20} {share:.1%}")
    if companion:
        heat_map = Model(companion).outputs(pixels).get("heat_map")
        if heat_map is None:
            sys.exit(f"{companion}: gives no heat map; `alzedge model --out FOLDER` writes the file that does.")
        overlay(pixels, heat_map).save(picture)
    print(model.record["disclaimer"])


if __name__ == "__main__":
    if len(sys.argv) not in (3, 5):
        sys.exit(__doc__)
    main(*sys.argv[1:])
