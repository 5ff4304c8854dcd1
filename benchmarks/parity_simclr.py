"""Prints how far `load_simclrv2` is from the original code, in each layout: python benchmarks/parity_simclr.py"""

import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from helpers.reference_checkpoints import REFERENCE, load_spec, regenerate, write_layout

from alzedge.teacher import load_simclrv2

OUTPUTS = {"features": "final_avg_pool", "projection": "proj_3", "logits": "logits_sup_sel0"}


def main() -> None:
    images = regenerate.reference_images("b")
    print("| network | layout | features | projection | logits |\n|---|---|---|---|---|")
    for network in ("r18_1x_sk0", "r50_1x_sk0", "r50_1x_sk1"):
        reference = np.load(REFERENCE / f"reference_{network}.npz")
        tf1, tf2 = load_spec(f"variables_{network}"), load_spec(f"tf2_variables_{network}")
        for layout, title in {"ckpt": "TF1 checkpoint", "hub": "TF1 Hub module", "tf2": "TF2 SavedModel"}.items():
            with tempfile.TemporaryDirectory() as folder:
                outputs = load_simclrv2(write_layout(layout, Path(folder), tf1, tf2))(images, training=False)
            cells = []
            for name, key in OUTPUTS.items():
                expected = reference[f"b__{key}"]
                error = (
                    np.abs(np.asarray(outputs[name]) - expected).max() / np.abs(expected).max()
                    if name in outputs
                    else None
                )
                cells.append("-" if error is None else f"{error:.0e}")
            print("|", " | ".join([network, title, *cells]), "|", flush=True)


if __name__ == "__main__":
    main()
