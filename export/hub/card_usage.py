"""Programs of a model card that load the model, and its citations.

The programs are those of README.md and of docs/; the tests hold them to be the same, and run the Python.
"""

from pathlib import Path

from alzedge.export.hub.card_text import KAGGLE, is_kaggle
from alzedge.model_file.read_write import Record, kind_of

PYTHON = """from alzedge import Classifier

classifier = Classifier.load("{file}")  # or Classifier.from_pretrained("owner/name")
prediction = classifier.predict("slice.png")
for answer in prediction.slices:
    print(answer.stage, answer.probabilities, answer.refused)
print(classifier.record["disclaimer"])
"""

GRADLE = """android { androidResources { noCompress += "tflite" } }
dependencies { implementation("com.google.ai.edge.litert:litert:1.4.2") }
"""

KOTLIN = """val model = assets.open("student_int8.tflite").use { AlzEdgeModel.read(it) }
"""

BROWSER = """import { loadClassifier } from "./classifier.js";

const classifier = await loadClassifier("student_int8.tflite", "./node_modules/@litertjs/core/wasm/");
const probabilities = await classifier.probabilities(grey); // Uint8Array of classifier.height x classifier.width
console.log(classifier.labels, probabilities, classifier.record.disclaimer);
"""

RASPBERRY_PI = """python3 -m venv ~/alzedge && . ~/alzedge/bin/activate   # Raspberry Pi OS refuses pip outside an environment
pip install .                                           # in a checkout, or: pip install alzedge-*.whl
"""

_SOURCES = """Leakage between slices: Yagis et al. 2021, Sci Rep 11:22544; Wen et al. 2020, Med Image Anal 63:101694. Calibration: Guo
et al. 2017, [arXiv:1706.04599](https://arxiv.org/abs/1706.04599)."""

_BIBTEX = """@inproceedings{chen2020big,
  title = {Big Self-Supervised Models are Strong Semi-Supervised Learners},
  author = {Chen, Ting and Kornblith, Simon and Swersky, Kevin and Norouzi, Mohammad and Hinton, Geoffrey},
  booktitle = {Advances in Neural Information Processing Systems},
  year = {2020},
  note = {SimCLRv2, arXiv:2006.10029}
}
@misc{hinton2015distilling,
  title = {Distilling the Knowledge in a Neural Network},
  author = {Hinton, Geoffrey and Vinyals, Oriol and Dean, Jeff},
  year = {2015},
  note = {arXiv:1503.02531}
}"""

_BIBTEX_DATA = f"""
@article{{marcus2007open,
  title = {{Open Access Series of Imaging Studies (OASIS): Cross-sectional MRI Data in Young, Middle Aged, Nondemented, and
           Demented Older Adults}},
  author = {{Marcus, Daniel S. and Wang, Tracy H. and Parker, Jamie and Csernansky, John G. and Morris, John C. and Buckner,
            Randy L.}},
  journal = {{Journal of Cognitive Neuroscience}},
  volume = {{19}},
  number = {{9}},
  pages = {{1498--1507}},
  year = {{2007}},
  doi = {{10.1162/jocn.2007.19.9.1498}}
}}
@misc{{kaggle4class,
  title = {{Alzheimer's Dataset (4 class of Images)}},
  howpublished = {{Kaggle, https://www.kaggle.com/datasets/{KAGGLE}}}
}}"""


def usage(model: Path, record: Record) -> str:
    """Show how to load the model in Python, on a Raspberry Pi, on Android and in the browser."""
    preprocessing = record["preprocessing"]
    # The programs do greys one by one, and the step "white".
    known = "lookup" in preprocessing or preprocessing.get("steps", ["white"]) == ["white"]
    devices = model.suffix == ".tflite" and "int8" in kind_of(record).format and known
    if model.suffix == ".keras":
        return "A `.keras` file for Keras 3, and for `alzedge export`, which makes files for devices of it."
    return "\n\n".join([_python(model), *([_DEVICES] if devices else [])])


def _python(model: Path) -> str:
    extra = "'.[onnx]'" if model.suffix == ".onnx" else "."
    return f"""### Python

AlzEdge is not on PyPI yet: install it from a checkout of its repository, with `pip install {extra}` (`pip install '.[hub]'` to
load by the name of a Hub repository). No TensorFlow is needed.

```python
{PYTHON.format(file=model.name)}```

```bash
alzedge predict slice.png --model {model.name}
alzedge inspect {model.name}    # what the file says about itself
```

The file holds its labels, preprocessing, figures and a SHA-256 over model and record{_UNZIP.format(file=model.name) if model.suffix == ".tflite" else ""}.
Slices are 8-bit grey, 176 wide and 208 high; nothing is resampled."""


_UNZIP = "; `unzip -p {file} alzedge.json` shows them"

_DEVICES = f"""### Raspberry Pi

Any with a 64-bit system; `docs/raspberry-pi.md` of AlzEdge has this and a program that needs only NumPy, Pillow and LiteRT.

```bash
{RASPBERRY_PI}```

### Android

```kotlin
{GRADLE}```

`docs/android/AlzEdgeModel.java` of AlzEdge is plain Java that reads labels, record and flatbuffer and does the arithmetic;
`docs/android.md` has the whole activity.

```kotlin
{KOTLIN}```

### Browser

`docs/browser/` of AlzEdge is a complete page around LiteRT.js; nothing is asked of any other host.

```js
{BROWSER}```

AlzEdge's tests run the Python programs and the page and compile the Java, on x86-64; none was run on a phone or a Pi."""


def citation(record: Record) -> str:
    """List what to cite."""
    return f"```bibtex\n{_BIBTEX}{_BIBTEX_DATA if is_kaggle(record) else ''}\n```\n\n{_SOURCES}"
