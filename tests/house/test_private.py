"""No command connects anywhere that nobody asked for, whatever the libraries behind it would like to tell their makers."""

import re
import shutil
import sys
import tomllib
from pathlib import Path

import pytest
from helpers.commands import run_code
from PIL import Image

from alzedge.data.dataset import DataSet

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed"),
]
# Python's own lookups of users and hosts ask local services, by a path.
ABROAD = re.compile(r"connect\(\d+, \{sa_family=AF_INET6?.*?(?:inet_addr\(|inet_pton\(AF_INET6, )\"([^\"]+)\"")
ONNX = """
import onnxruntime
from onnx import TensorProto, helper
node = helper.make_node("Identity", ["x"], ["y"])
x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy")
model = helper.make_model(helper.make_graph([node], "g", [x], [y]), opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
"""
# By extra, the code that imports and uses what it brings, behind the switch that every command sets first.
USES = {
    "core": "from alzedge.cli import main; import sys; sys.argv = ['alzedge', 'predict', 'slice.png']; main()",
    "onnx": ONNX,
    "hub": "import huggingface_hub; huggingface_hub.HfApi()",
    "demo": "import gradio; gradio.Blocks()",
    "train": "import keras; keras.Sequential([keras.layers.Dense(1)]).build((None, 2))",
    "wandb": "import wandb",
    "ray": "import ray, ray.data",
    "audit": "import sklearn.linear_model, matplotlib.pyplot",
    "medical": "import nibabel, pydicom",
    "prepare": "import SimpleITK",
    "mlops": (
        "from alzedge.model_file.registry.client import open_registry; "
        "from alzedge.model_file.registry.location import locate; open_registry(locate('registry'), create=True)"
    ),
    "deidentify": "import scipy.ndimage, SimpleITK, filelock",
    "report": "import jinja2, reportlab.pdfgen.canvas, svglib.svglib, highdicom, sklearn.metrics",
}
# Extras that only join others; what `export` adds to `train`, `onnx` and `hub` reports nothing, or is not imported by us.
TOGETHER = {"all", "dev", "export"}
# Not installed with the others: Kubeflow wants protobuf 6.
APART = {"kfp"}


def test_every_extra_is_watched() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))
    assert set(project["project"]["optional-dependencies"]) - TOGETHER - APART <= set(USES)


@pytest.mark.parametrize("extra", USES)
def test_nobody_is_called(extra: str, phantoms: DataSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.fromarray(phantoms.images[0]).save(tmp_path / "slice.png")
    root = Path.cwd()
    code = f"from alzedge.utils.privacy import keep_private; keep_private()\n{USES[extra]}"
    call = ["strace", "-f", "-qq", "-e", "trace=connect", "-o", str(tmp_path / "trace"), sys.executable, "-c", code]
    monkeypatch.chdir(tmp_path)
    done = run_code(f"import subprocess, sys; sys.exit(subprocess.run({call!r}).returncode)", PYTHONPATH=str(root))
    assert "ModuleNotFoundError" not in done.stderr, f"extra {extra} is not installed: {done.stderr[-200:]}"
    assert done.returncode == 0, done.stderr
    called = set(ABROAD.findall((tmp_path / "trace").read_text())) - {"127.0.0.1", "::1"}
    assert not called, f"{extra} connects to {called}"
