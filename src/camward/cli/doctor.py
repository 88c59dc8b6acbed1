"""`camward doctor`: does this machine have what Camward needs?"""

from __future__ import annotations

from pathlib import Path

import typer

from camward.cli.output import JSON_OPTION, emit

COLOURS = {"ok": typer.colors.GREEN, "warn": typer.colors.YELLOW, "fail": typer.colors.RED}


def doctor(
    state: Path | None = typer.Option(None, "--state", help="Also look at this folder and its disk."),
    port: list[int] = typer.Option([], "--port", help="Also look whether this port is free; may be repeated."),
    as_json: bool = JSON_OPTION,
) -> None:
    """Look at Python, packages, codecs, ports, clock, disk, capture devices. Exit code 1 if anything fails."""
    from dataclasses import asdict

    from camward.app.doctor import Outcome, diagnose
    from camward.base.clock import SystemClock

    findings = []
    for finding in diagnose(state, ports=port, clock=SystemClock()):
        findings.append(finding)
        if not as_json:
            word = typer.style(f"{finding.outcome.value:<4}", fg=COLOURS[finding.outcome.value])
            hint = f". {finding.next}." if finding.next else ""
            typer.echo(f"{word}  {finding.name}: {finding.text}{hint}")
    failed = any(finding.outcome is Outcome.FAIL for finding in findings)
    emit("doctor", {"ok": not failed, "checks": [asdict(item) for item in findings]}, as_json=as_json)
    if failed:
        raise typer.Exit(1)
