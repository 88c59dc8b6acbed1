"""What commands print and ask: data to stdout (text, or JSON with a schema), everything else to stderr."""

from __future__ import annotations

import getpass
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import typer

from camward.base.errors import CamwardError, ConfigurationError
from camward.base.secret import Secret

SECRET_LIMIT = 4096
"""Bytes of a file with a password, a passphrase or a code."""

JSON_OPTION = typer.Option(False, "--json", help="Print JSON, with a `schema` field.")
STATE_OPTION = typer.Option(..., "--state", help="The device's state folder.", show_default=False)


def emit(kind: str, data: Mapping[str, object], *, as_json: bool, text: str | None = None) -> None:
    """Print a command's data.

    Args:
        kind: names the form of the JSON: its `schema` is `camward/KIND/1`.
        data: for machines.
        as_json: whether they asked.
        text: for people; None where they were told otherwise.
    """
    if as_json:
        typer.echo(json.dumps({"schema": f"camward/{kind}/1", **data}, ensure_ascii=False, indent=2))
    elif text is not None:
        typer.echo(text.rstrip("\n"))


def note(sentence: str) -> None:
    """Tell people something that is not data."""
    typer.echo(sentence, err=True)


def table(rows: Iterable[Sequence[object]]) -> str:
    """Columns with two spaces between; plain text, so that it can be cut and searched."""
    texts = [[str(cell) for cell in row] for row in rows]
    if not texts:
        return ""
    widths = [max(len(row[column]) for row in texts) for column in range(len(texts[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in texts]
    return "\n".join(line.rstrip() for line in lines)


def read_secret(path: Path | None) -> Secret[str] | None:
    """A secret from a file, or from stdin for `-`; None without a path. A line end after it is not part of it.

    Raises:
        ConfigurationError: the file is missing, empty or too long.
    """
    if path is None:
        return None
    if str(path) == "-":
        if sys.stdin.isatty():
            return Secret(getpass.getpass("Secret: ", stream=sys.stderr))
        data = sys.stdin.buffer.read(SECRET_LIMIT + 1)
    else:
        data = _read_file(path)
    try:
        text = data.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path} is not UTF-8 text") from None
    if not text or len(data) > SECRET_LIMIT:
        raise ConfigurationError(f"{path} is {'too long' if text else 'empty'}", next="write the secret into it")
    return Secret(text)


def _read_file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            if path.stat().st_mode & 0o077:
                note(f"Warning: others on this machine can read {path}. Make it yours alone: chmod 600 {path}")
            return file.read(SECRET_LIMIT + 1)
    except OSError as error:
        raise ConfigurationError(f"{path} can't be read", why=error.strerror or str(error)) from None


def confirm(question: str, *, yes: bool) -> None:
    """Go on only if a person, or `--yes`, says so.

    Raises:
        CamwardError: nobody is there to ask.
        typer.Abort: the person said no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise CamwardError("nobody is there to confirm this", next="add --yes if you are sure", code="CONFIRM")
    typer.confirm(question, abort=True, err=True)


def console_user() -> str:
    """Who acts, for the journal."""
    try:
        return f"console:{getpass.getuser()}"
    except (KeyError, OSError):  # a user id without a name, as in containers
        return "console"
