"""`camward recorder`: run a recorder, add cameras, see how they do, rebuild its index."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import typer

from camward.cli.camera import TIED_OPTION, claim_code, factory_reset
from camward.cli.output import JSON_OPTION, STATE_OPTION, confirm, console_user, emit, note, read_secret, table

if TYPE_CHECKING:
    from camward.app.add_camera import FoundCamera

app = typer.Typer(help="One recorder; adding, list and status ask the running one.", no_args_is_help=True)


app.command("claim-code")(claim_code)
app.command("factory-reset")(factory_reset)


@app.command()
def run(
    state: Path = STATE_OPTION,
    https: str = typer.Option("", "--https", help="ADDRESS:PORT of the pages; else as the settings say (443)."),
    http: str = typer.Option("", "--http", help="ADDRESS:PORT of plain HTTP that only leads to HTTPS; else none."),
    tied: bool = TIED_OPTION,
    verbose: bool = typer.Option(False, "--verbose", help="Log more."),
) -> None:
    """Run a recorder until it is told to stop. Logs go to stderr, as JSON unless that is a terminal."""
    from camward.app.log import set_up_logging
    from camward.app.places import Places
    from camward.app.recorder import run_recorder

    set_up_logging(verbose=verbose)
    run_recorder(state, places=Places.parse(https=https, http=http), tied=tied)


@app.command("add-camera")
def add_camera(
    url: str = typer.Argument(help="https://… to pair with a Camward camera, else its rtsps:// or rtsp:// stream."),
    state: Path = STATE_OPTION,
    name: str = typer.Option("", "--name", help="Name for people; the address without."),
    claim_code_file: Path | None = typer.Option(None, help="File with the camera's claim code; - is stdin."),
    owner_key: Path = typer.Option(Path("owner-key.pem"), "--owner-key", help="PEM of the owner's key, for pairing."),
    username: str = typer.Option("", "--username", help="Name of the client secret or account on the camera."),
    secret_file: Path | None = typer.Option(None, help="File with the client secret or password; - is stdin."),
    fingerprint: str = typer.Option("", "--fingerprint", help="The camera's fingerprint in words, from its label."),
    as_json: bool = JSON_OPTION,
) -> None:
    """Add a camera: pair with its claim code, or sign in. Its certificate is pinned once you confirm its words."""
    from camward.app.add_camera import add_found, find_camera, pair_found

    if (claim_code_file is None) == url.startswith("https:"):
        raise typer.BadParameter("an https:// address needs --claim-code-file, and only such an address takes it")
    camera = find_camera(state, url)
    _confirm_identity(camera, fingerprint)
    who, title = console_user(), name or url.partition("//")[2].partition("/")[0]
    code = read_secret(claim_code_file)
    if code is not None:
        camera_id = pair_found(state, camera, name=title, code=code, owner_key=owner_key, who=who)
    else:
        secret = read_secret(secret_file)
        camera_id = add_found(state, camera, name=title, username=username, secret=secret, who=who)
    data = {"id": camera_id, "name": title, "fingerprint": camera.fingerprint.hex(), "words": camera.words}
    emit("recorder-add-camera", data, as_json=as_json, text=f"{camera_id}  {title}")


def _confirm_identity(camera: FoundCamera, given: str) -> None:
    from camward.base.errors import NotPermittedError
    from camward.trust.words import words_match

    if not camera.fingerprint:
        note("Warning: this stream is not encrypted; anyone on the network path can watch and alter it.")
        return
    if given:
        if not words_match(given, camera.fingerprint):
            hint = "check the address and the label; someone may be in between"
            raise NotPermittedError(f"the camera's fingerprint is {camera.words}, not {given}", next=hint)
        return
    note(f"{camera.serial or camera.url} shows the fingerprint\n    {camera.words}")
    confirm("Are these the words on the camera's label or console?", yes=False)


@app.command("list")
def list_cameras(state: Path = STATE_OPTION, as_json: bool = JSON_OPTION) -> None:
    """Print the cameras of a running recorder."""
    from camward.app.console import ask

    cameras = cast("list[Mapping[str, Any]]", ask(state, "cameras"))
    rows = [(item["id"], item["name"], item["url"], "pinned" if item["pin"] else "-") for item in cameras]
    emit("recorder-cameras", {"cameras": cameras}, as_json=as_json, text=table(rows) or "no cameras")


@app.command()
def status(state: Path = STATE_OPTION, as_json: bool = JSON_OPTION) -> None:
    """Print how a running recorder and its cameras do. Exit code 9 if a camera is not being recorded."""
    from camward.app.console import ask

    about = cast("Mapping[str, Any]", ask(state, "about"))
    cameras = cast("list[Mapping[str, Any]]", ask(state, "status"))
    storage = cast("Mapping[str, Any]", ask(state, "storage"))
    rows = [(item["camera_id"], item["state"], _since(item["since"]), item["reason"] or "-") for item in cameras]
    free = f"{storage['free'] / 1e9:.1f} GB free, {storage['used'] / 1e9:.1f} GB recorded"
    days = f", {storage['days']:.0f} days at this rate" if storage["days"] else ""
    lines = [f"{about['serial']}  {'claimed' if about['claimed'] else 'not claimed yet'}", f"{free}{days}"]
    if about["settings_problem"]:
        problem = about["settings_problem"]
        lines.append(f"settings: {problem['file']}, line {problem['line']}: {problem['message']}")
    data = {"recorder": about, "cameras": cameras, "storage": storage}
    emit("recorder-status", data, as_json=as_json, text="\n".join([*lines, table(rows)]))
    if any(item["state"] not in ("recording", "off") for item in cameras):
        raise typer.Exit(9)


@app.command()
def reindex(state: Path = STATE_OPTION, as_json: bool = JSON_OPTION) -> None:
    """Build the index anew from the recordings alone. The recorder must not run."""
    from camward.base.clock import SystemClock
    from camward.recorder import reindex as rebuild

    with _progress("Reading recordings") as progress:
        report = rebuild(state, progress=progress, clock=SystemClock())
    data = asdict(report)
    rows = [(name, value) for name, value in data.items()]
    emit("recorder-reindex", data, as_json=as_json, text=table(rows))


@contextmanager
def _progress(title: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _since(utc: int) -> str:
    return f"since {datetime.fromtimestamp(utc // 1_000_000_000, tz=UTC):%Y-%m-%d %H:%M:%SZ}"
