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
        config = uvicorn.Config(server.make_app(None), host="127.0.0.1", port=port, log_level="error")
        socket = config.bind_socket()
        socket.listen()  # so that who reads the next line can connect at once
        print("serving the page", flush=True)
        uvicorn.Server(config).run(sockets=[socket])


if __name__ == "__main__":
    main(int(sys.argv[1]))
