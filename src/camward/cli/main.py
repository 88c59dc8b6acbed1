"""The `camward` command: finds the noun, runs it, turns errors into one line and an exit code."""

from __future__ import annotations

import importlib
import sys

import typer

from camward import __version__
from camward.base.errors import CamwardError

NOUNS = ("camera", "recorder", "factory", "settings", "journal")
"""Nouns with verbs below them, one module each; loaded only when asked for, so that the command starts quickly."""
COMMANDS = ("demo", "doctor")
"""Nouns that are the whole command."""
INTERRUPTED = 130

app = typer.Typer(
    name="camward",
    help="Secure video surveillance: a camera and a recorder.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def root(version: bool = typer.Option(False, "--version", help="Print the version.")) -> None:
    """Secure video surveillance: a camera and a recorder."""
    if version:
        typer.echo(f"camward {__version__}")
        raise typer.Exit


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit code is the contract's (0 ok, 1 failed, 2 usage, 3 configuration ...)."""
    words = sys.argv[1:] if arguments is None else arguments
    named = next((word for word in words if word in NOUNS or word in COMMANDS), None)
    _load((named,) if named else NOUNS + COMMANDS)
    try:
        code = app(args=words, standalone_mode=False)  # what `typer.Exit` was raised with comes back as the result
    except typer.Abort:
        return _fail("Stopped.")
    except CamwardError as error:
        return _fail(error.diagnostics(), code=error.exit_code)
    except OSError as error:
        return _fail(f"{error.filename or 'the system'}: {error.strerror or error}.")
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:
        if hasattr(error, "format_message"):  # the parser's usage errors, which are no public class of Typer's
            return _fail(f"{error.format_message()}  (see --help)", code=2)
        raise
    return code if isinstance(code, int) else 0


def _load(wanted: tuple[str, ...]) -> None:
    for noun in NOUNS:
        if noun in wanted:
            app.add_typer(importlib.import_module(f"camward.cli.{noun}").app, name=noun)
    for command in COMMANDS:
        if command in wanted:
            app.command(command)(getattr(importlib.import_module(f"camward.cli.{command}"), command))


def _fail(sentence: str, *, code: int = 1) -> int:
    typer.echo(f"camward: {sentence}", err=True)
    return code
