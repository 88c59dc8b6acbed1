"""`camward demo`: a whole site on this machine, and what to do first."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from camward.cli.output import JSON_OPTION, emit, note, read_secret

if TYPE_CHECKING:
    from rich.console import Console

    from camward.app.demo.layout import Layout
    from camward.app.demo.run import DeviceReport


def demo(
    state: Path = typer.Option(Path("demo"), "--state", help="Folder of the site; everything is in it."),
    source: list[str] = typer.Option([], "--source", help="file:PATH, v4l2:DEVICE, rtsp(s)://… or test:; repeatable."),
    cameras: int | None = typer.Option(None, "--cameras", help="How many cameras.", show_default=False),
    port: int = typer.Option(8443, "--port", help="The recorder's HTTPS port; camera i has PORT+10i and PORT+10i+1."),
    admin_name: str = typer.Option("admin", "--admin-name", help="Administrator made with --admin-password-file."),
    admin_password_file: Path | None = typer.Option(
        None, "--admin-password-file", help="Make the administrator of every device, so that no one needs to click."
    ),
    as_json: bool = JSON_OPTION,
) -> None:
    """Run cameras and a recorder on this machine, each a process with a state of its own. Ctrl-C stops all."""
    from rich.console import Console

    from camward.app.demo.first_access import Administrator
    from camward.app.demo.layout import lay_out
    from camward.app.demo.run import Watcher, run_demo

    password = read_secret(admin_password_file)
    administrator = Administrator(admin_name, password) if password is not None else None
    layout = lay_out(state, sources=source, cameras=cameras, port=port)
    people = Console(stderr=True, highlight=False, emoji=False, soft_wrap=True)

    def ready(layout: Layout, devices: list[DeviceReport]) -> None:
        if as_json:
            _print_json(layout, devices)
        else:
            _print(layout, devices, claimed_as=admin_name if administrator else "")

    watcher = Watcher(
        step=lambda text: people.print(f"{text} …", style="dim", markup=False),
        trouble=lambda text: people.print(f"! {text}", style="yellow", markup=False),
        ready=ready,
    )
    run_demo(layout, administrator=administrator, watcher=watcher)
    note("Stopped. Everything is kept; the same command goes on from here.")


def _print_json(layout: Layout, devices: list[DeviceReport]) -> None:
    from dataclasses import asdict

    data = {"folder": str(layout.folder), "root": str(layout.root), "devices": [asdict(item) for item in devices]}
    emit("demo", data, as_json=True)


def _print(layout: Layout, devices: list[DeviceReport], *, claimed_as: str) -> None:
    from rich.console import Console
    from rich.markup import escape

    out = Console(highlight=False, emoji=False, soft_wrap=True)  # ":AB:" in a fingerprint is no picture
    out.print()
    for device in (devices[-1], *devices[:-1]):
        _print_device(out, device)
    recorder = devices[-1]
    out.print("[bold]What to do next[/]")
    steps = [
        f"Open [bold]{recorder.url}[/] in a browser; from another machine [bold]{recorder.url_elsewhere}[/].\n"
        f"   It does not know this site's root yet: accept its warning once the SHA-256 fingerprint that it shows is\n"
        f"   the recorder's above, or let it trust [bold]{escape(str(layout.root))}[/] first.",
    ]
    if recorder.claim_code:
        steps.append(
            f"Make the administrator's account with the claim code [bold]{recorder.claim_code}[/]\n"
            f"   and a password of your own."
        )
    else:
        steps.append(f"Log in as [bold]{escape(claimed_as) or 'the administrator'}[/].")
    steps.append("See the live picture; a minute later open its timeline and scrub through the recording.")
    if any(device.claim_code for device in devices[:-1]):
        steps.append("The cameras record already; each has pages of its own, claimed with its own code.")
    for number, step in enumerate(steps, 1):
        out.print(f"{number}. {step}")
    end = f"Owner's key: {layout.folder / 'owner-key.pem'}. State and logs: {layout.folder}. Ctrl-C stops all."
    out.print(f"\n{end}\n", markup=False)


def _print_device(out: Console, device: DeviceReport) -> None:
    rows = [
        ("pages", f"{device.url}  {device.url_elsewhere}"),
        ("stream", device.rtsp),
        ("source", device.source),
        ("serial", device.serial),
        ("fingerprint", device.words),
        ("TLS SHA-256", device.tls_fingerprint),
        ("claim code", device.claim_code or "spent: it has an administrator"),
    ]
    out.print(f"[bold]{device.name}[/]")
    for name, value in rows:
        if value:
            out.print(f"  {name:<12} {value}", markup=False)
    out.print()
