"""The command `alzedge`. Each command lives in its room and is imported when it is called."""

import importlib
import io
import logging
import os
import signal
import sys
from typing import Any

import click

from alzedge import __version__
from alzedge.errors import UserError
from alzedge.stages import DISCLAIMER
from alzedge.utils.parsing import printable
from alzedge.utils.privacy import keep_private

_COMMANDS = {
    "run": "alzedge.export.commands.run:run_command",
    "train": "alzedge.teacher.commands.train:train_command",
    "probe": "alzedge.teacher.commands.probe:probe_command",
    "distill": "alzedge.student.commands.distill:distill_command",
    "export": "alzedge.export.commands.export:export_command",
    "benchmark": "alzedge.export.commands.benchmark:benchmark_command",
    "evaluate": "alzedge.export.commands.evaluate:evaluate_command",
    "crossval": "alzedge.export.commands.crossval:crossval_command",
    "experiments": "alzedge.export.commands.experiments:experiments_command",
    "explain": "alzedge.commands.explain:explain_command",
    "report": "alzedge.commands.report:report_command",
    "agreement": "alzedge.commands.agreement:agreement_command",
    "audit": "alzedge.commands.audit:audit_command",
    "stats": "alzedge.monitoring.commands.stats:stats_command",
    "schema": "alzedge.monitoring.commands.schema:schema_command",
    "validate": "alzedge.monitoring.commands.validate:validate_command",
    "drift": "alzedge.monitoring.commands.drift:drift_command",
    "prepare": "alzedge.commands.prepare:prepare_command",
    "predict": "alzedge.commands.predict:predict_command",
    "card": "alzedge.export.commands.card:card_command",
    "push": "alzedge.export.commands.push:push_command",
    "model": "alzedge.commands.model:model_command",
    "inspect": "alzedge.commands.inspect:inspect_command",
    "subjects": "alzedge.commands.subjects:subjects_command",
    "phantoms": "alzedge.commands.phantoms:phantoms_command",
    "deidentify": "alzedge.commands.deidentify:deidentify_command",
    "demo": "alzedge.demo.commands.demo:demo_command",
    "space": "alzedge.demo.commands.space:space_command",
}


class _LazyGroup(click.Group):
    """Knows its commands by name and imports one when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, name = _COMMANDS[cmd_name].split(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            import difflib

            alike = difflib.get_close_matches(args[0], _COMMANDS, 1)
            if alike and not args[0].startswith("-"):
                raise click.UsageError(f"No such command '{args[0]}'; did you mean '{alike[0]}'?", ctx) from error
            raise


@click.group(
    cls=_LazyGroup,
    epilog=DISCLAIMER,
    context_settings={"max_content_width": 100, "help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="alzedge")
def cli() -> None:
    """From brain-MRI slices to a small student model on the device.

    `alzedge run` does it all: a SimCLRv2 teacher, a distilled student, int8 TFLite files, a
    benchmark and a model card. The other commands are its parts.
    """


def main() -> None:
    """Entry point: bad input and interruptions end in one sentence, not in a traceback."""
    keep_private()
    _end_cleanly_on_signals()
    _open_streams()
    _hush_native_libraries()
    code = _run()
    try:
        sys.stdout.flush()
    except OSError:  # whoever read it has gone
        code = _closed_pipe()
    sys.exit(code)


def _end_cleanly_on_signals() -> None:
    """Let a polite end (kill, a closed terminal) unwind as an error does, so that no temporary file stays behind."""

    def end(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    for name in ("SIGTERM", "SIGHUP"):  # Windows has no SIGHUP
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, end)


def _open_streams() -> None:
    """Give streams that were closed a place to write to, and let all write what their encoding lacks as escapes.

    A closed descriptor would be given to the next file that is opened, and messages would be written into it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            nowhere = os.open(os.devnull, os.O_RDWR)  # the lowest free number, which is this one
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
    sys.stdin = sys.stdin or open(0, encoding="utf-8")  # noqa: SIM115
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _closed_pipe() -> int:
    """End quietly, as `head` expects of what writes to it: 141, as the shell calls an end by SIGPIPE."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return 141


def _hush_native_libraries() -> None:
    """Keep the start-up chatter of TensorFlow and LiteRT away from the user.

    Their C++ writes straight to file descriptor 2. Python's stderr moves to a copy of it, so
    that our messages, warnings and tracebacks still arrive. ALZEDGE_DEBUG=1 shows everything.
    """
    if os.environ.get("ALZEDGE_DEBUG") or sys.stderr is None:
        return
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    os.environ.setdefault("HF_HUB_VERBOSITY", "error")  # it counts its retries otherwise
    sys.stderr.flush()
    sys.stderr = os.fdopen(os.dup(2), "w", encoding="utf-8", errors="backslashreplace", buffering=1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)


def _run() -> int:
    try:
        result: Any = cli.main(prog_name="alzedge", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return 2
    except (click.Abort, KeyboardInterrupt):
        return _fail("interrupted", 130)
    except UserError as error:
        return _fail(str(error), 2)
    except BrokenPipeError:
        return _closed_pipe()
    except OSError as error:
        return _fail(_os_error(error), 2)


def _os_error(error: OSError) -> str:
    what = f"{error.filename}: " if error.filename else ""
    reason = error.strerror or str(error)
    return f"{what}{reason}; check the path, its permissions and the free space on the disk, then repeat the command."


def _fail(message: str, code: int) -> int:
    click.echo(f"alzedge: {printable(message)}", err=True)
    return code
