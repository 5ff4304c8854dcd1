"""Optional parts of the package, and the packages that each needs."""

import os
from importlib.util import find_spec

from alzedge.errors import UserError

_WITHOUT_TENSORFLOW = ("tensorboard", "keras", "sklearn", "filelock", "tomli_w")
_TRAIN = ("tensorflow", "tensorflow_hub", *_WITHOUT_TENSORFLOW)
_NEEDS = {
    "train": _TRAIN,
    "export": (
        *_TRAIN,
        "matplotlib",
        "jinja2",
        "huggingface_hub",
        "onnx",
        "onnxruntime",
        "tf_keras",
        "tensorflow_model_optimization",
    ),
    "wandb": ("wandb",),
    "audit": ("sklearn", "scipy", "matplotlib", "threadpoolctl"),
    "demo": ("gradio", "uvicorn", "jinja2", "orjson", "pebble", "scipy", "nibabel", "pydicom", "SimpleITK"),
    "hub": ("huggingface_hub",),
    "medical": ("nibabel", "pydicom"),
    "prepare": ("nibabel", "pydicom", "SimpleITK"),
    "deidentify": ("nibabel", "pydicom", "scipy", "SimpleITK", "filelock"),
    "report": ("nibabel", "pydicom", "jinja2", "reportlab", "svglib", "highdicom", "sklearn"),
    "ray": ("ray", "pyarrow"),
    "mlops": ("mlflow", "sqlalchemy", "alembic", "tensorflow_metadata", "prometheus_client", "filelock"),
    "kfp": ("kfp",),
}


def require(extra: str) -> None:
    """Check, before any work is done, that a part was installed with the package.

    Training needs no TensorFlow where the environment variable KERAS_BACKEND names another library.

    Raises:
        UserError: a package of that part is missing.
    """
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    others = extra == "train" and backend in ("jax", "torch")
    packages = (backend, *_WITHOUT_TENSORFLOW) if others else _NEEDS[extra]
    for package in packages:
        if find_spec(package) is None:
            raise UserError(f"this needs {package}; run `pip install 'alzedge[{extra}]'`.")
