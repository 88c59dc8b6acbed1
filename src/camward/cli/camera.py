"""`camward camera`: run a camera, print its claim code, reset it."""

from __future__ import annotations

from pathlib import Path

import typer

from camward.cli.output import JSON_OPTION, STATE_OPTION, confirm, console_user, emit

app = typer.Typer(help="One camera.", no_args_is_help=True)

TIED_OPTION = typer.Option(False, "--tied", help="Stop when standard input ends.", hidden=True)


@app.command()
def run(
    state: Path = STATE_OPTION,
    source: str = typer.Option(..., "--source", help="file:PATH, v4l2:DEVICE, rtsp(s)://… or test:"),
    https: str = typer.Option("", "--https", help="ADDRESS:PORT of the pages; else as the settings say (443)."),
    rtsp: str = typer.Option("", "--rtsp", help="ADDRESS:PORT of the streams; else as the settings say (554)."),
    http: str = typer.Option("", "--http", help="ADDRESS:PORT of plain HTTP that only leads to HTTPS; else none."),
    tied: bool = TIED_OPTION,
    verbose: bool = typer.Option(False, "--verbose", help="Log more."),
) -> None:
    """Run a camera until it is told to stop. Logs go to stderr, as JSON unless that is a terminal."""
    from camward.app.camera import run_camera
    from camward.app.log import set_up_logging
    from camward.app.places import Places

    set_up_logging(verbose=verbose)
    run_camera(state, source, places=Places.parse(https=https, rtsp=rtsp, http=http), tied=tied)


@app.command("claim-code")
def claim_code(state: Path = STATE_OPTION, as_json: bool = JSON_OPTION) -> None:
    """Print the claim code of a device that has no administrator yet, and what to compare. For its console only."""
    from camward.app.provision import claim_code as code_of
    from camward.app.provision import identity_of

    code, identity = code_of(state).reveal(), identity_of(state)
    served = identity.tls_fingerprint if identity.tls_chain_path.exists() else ""
    data = {"claim_code": code, "words": identity.words, "tls_fingerprint": served}
    emit("claim-code", data, as_json=as_json, text=code)
    if not as_json:
        typer.echo(f"Fingerprint in words: {identity.words}", err=True)
        typer.echo(f"SHA-256 that a browser shows: {served or 'after the first start'}", err=True)


@app.command("factory-reset")
def factory_reset(
    state: Path = STATE_OPTION,
    yes: bool = typer.Option(False, "--yes", help="Do not ask."),
    as_json: bool = JSON_OPTION,
) -> None:
    """Forget accounts, client secrets, owner and settings. Identity and journal stay. It must not run."""
    from camward.app.provision import factory_reset as reset

    confirm(f"Reset the device on {state} to factory state?", yes=yes)
    code = reset(state, who=console_user())
    text = f"Reset. The new claim code is {code.reveal()}"
    emit("factory-reset", {"claim_code": code.reveal()}, as_json=as_json, text=text)
