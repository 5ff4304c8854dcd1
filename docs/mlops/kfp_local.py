"""The compiled pipeline on this machine, with Kubeflow's own local runner and no container:

python docs/mlops/kfp_local.py OUT_FOLDER [--data DATA] [--recipe NAME_OR_FILE]

It needs `pip install '.[export,mlops,kfp]'`, in an environment of its own: kfp wants protobuf 6.
"""

import argparse
from pathlib import Path

from kfp import local

from alzedge.export.experiments.lifecycle.kubeflow import Compiled, make_pipeline


def main() -> None:
    """Run every component in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--data", default="phantoms")
    parser.add_argument("--recipe", default="")
    arguments = parser.parse_args()
    local.init(local.SubprocessRunner(use_venv=False), pipeline_root=str(arguments.out / "kfp"))
    pipeline = make_pipeline(Compiled("python:3.11"))  # nothing is pulled; other names are warned of
    pipeline(data=arguments.data, recipe=arguments.recipe, registry=str(arguments.out.absolute() / "registry"))


if __name__ == "__main__":
    main()
