"""`alzedge demo`."""

import socket
import time
import webbrowser
from pathlib import Path
from threading import Thread

import click

from alzedge.commands.options import check_model
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
@click.option("--no-prepare", is_flag=True, help="Cut volumes as they lie: for those that are in the frame already.")
@click.option(
    "--log",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Add a line of numbers for each upload to this file, for `alzedge drift`: no image, no name.",
)
@click.option("--open", "open_browser", is_flag=True, help="Open the page in the browser.")
def demo_command(
    model: Path | None,
    host: str,
    port: int,
    teacher: Path | None,
    labels: Path | None,
    no_prepare: bool,
    log: Path | None,
    open_browser: bool,
) -> None:
    """Serve the page.

    Upload slices or a scan of a head, or draw a phantom, and see a score for any dementia, brain volume and apparent
    age where the model measures them, where on the slice the evidence lies, and how far to trust it. Runs without TensorFlow. Stop it with Ctrl-C.

    \b
    alzedge demo
    alzedge demo --model runs/archive/student_int8.tflite --port 8080
    alzedge demo --labels reviews
    alzedge demo --log answers.jsonl
    """
    require("demo")
    check_model(model)
    check_model(teacher)
    reached = _check_address(host, port)
    from alzedge.demo.offline import go_offline
    from alzedge.inference.classifier import find_model

    model = None if model is None else find_model(model)  # a repository's is fetched now, through the user's proxy
    if log is not None:
        from alzedge.monitoring.log import check_log

        check_log(log)
    go_offline()
    from alzedge.demo.serving.server import serve

    shown = "localhost" if reached == "127.0.0.1" else f"[{reached}]" if ":" in reached else reached
    Thread(target=_announce, args=(reached, port, f"http://{shown}:{port}", open_browser), daemon=True).start()
    serve(model, host, port, teacher, labels, not no_prepare, log)


def _check_address(host: str, port: int) -> str:
    """Listen for a moment, as the server will; the address under which this machine reaches it.

    Raises:
        UserError: nobody can listen there.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise UserError(
            f"{host}:{port} cannot be listened on ({error.strerror}); choose another --port or --host."
        ) from error
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(str(address[0]), str(address[0]))


def _announce(host: str, port: int, address: str, open_browser: bool) -> None:
    """Tell the address, and open it, once the server answers."""
    while True:
        try:
            socket.create_connection((host, port), timeout=1).close()
            break
        except OSError:
            time.sleep(0.2)
    click.echo(f"serving the page at {address} (Ctrl-C stops)")
    if open_browser:
        webbrowser.open(address)
