"""Serves the page around the made-up student that measures, until it is ended: `python -m helpers.serve_measuring PORT`."""

import os
import sys
import tempfile


def main(port: int) -> None:
    """Serve on this host."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GRADIO_TEMP_DIR"] = folder
        import uvicorn
        from helpers.measuring import measuring_classifier

        from alzedge.demo.serving import server

        classifier = measuring_classifier()
        load = server.Classifier.load
        server.Classifier.load = lambda path, **options: load(path, **options) if path else classifier  # type: ignore
        app = server.make_app(None)
        print("serving the page", flush=True)
        uvicorn.run(app, host="127.0.0.1", port=port, log_level="error")


if __name__ == "__main__":
    main(int(sys.argv[1]))
