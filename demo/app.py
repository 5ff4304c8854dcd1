"""Entry point of the Hugging Face Space."""

import os

from alzedge.demo.server import serve

if __name__ == "__main__":
    serve(None, "0.0.0.0", int(os.environ.get("PORT", "7860")))
