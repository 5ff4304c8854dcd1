"""`alzedge demo`."""

import socket
import time
import webbrowser
from pathlib import Path
from threading import Thread

import click

from alzedge.errors import UserError
from alzedge.utils.extras import require


@click.command("demo")
@click.option(
    "--model", type=click.Path(path_type=Path), help="A .tflite file made by alzedge. Default: the bundled student."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 for everyone.")
@click.option("--port", type=click.IntRange(1, 65535), default=7860, show_default=True, help="Port to listen on.")
@click.option("--teacher", type=click.Path(path_type=Path), help="An exported teacher, to answer beside the student.")
@click.option(
    "--labels", type=click.Path(path_type=Path, file_okay=False), help="Keep reviewers' labels in this folder."
)
@click.option("--open", "open_browser", is_flag=True, help="Open the page in the browser.")
def demo_command(
    model: Path | None, host: str, port: int, teacher: Path | None, labels: Path | None, open_browser: bool
) -> None:
    """Serve the page.

    Upload slices or a volume, or draw a phantom, and see four probabilities, where on the slice they come from, and
    how far to trust them. Runs without TensorFlow. Stop it with Ctrl-C.

    \b
    alzedge demo
    alzedge demo --model runs/archive/student_int8.tflite --port 8080
    alzedge demo --labels reviews
    """
    require("demo")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise UserError(
                f"{host}:{port} cannot be listened on ({error.strerror}); choose another --port."
            ) from error
    from alzedge.demo.serving.server import serve

    address = f"http://{'localhost' if host in ('127.0.0.1', '0.0.0.0') else host}:{port}"
    Thread(target=_announce, args=(host, port, address, open_browser), daemon=True).start()
    serve(model, host, port, teacher, labels)


def _announce(host: str, port: int, address: str, open_browser: bool) -> None:
    """Tell the address, and open it, once the server answers."""
    while True:
        try:
            socket.create_connection(("127.0.0.1" if host == "0.0.0.0" else host, port), timeout=1).close()
            break
        except OSError:
            time.sleep(0.2)
    click.echo(f"serving the page at {address} (Ctrl-C stops)")
    if open_browser:
        webbrowser.open(address)
