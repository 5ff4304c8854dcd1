"""Entry point of the Hugging Face Space: serves `model.tflite` beside it, or the bundled student."""

import os
from pathlib import Path

from alzedge.demo.serving.server import serve

if __name__ == "__main__":
    own = Path(__file__).with_name("model.tflite")
    serve(own if own.is_file() else None, "0.0.0.0", int(os.environ.get("PORT", "7860")))
