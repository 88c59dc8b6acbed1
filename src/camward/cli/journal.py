"""`camward journal`: show and verify a device's audit log."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer

from camward.cli.output import JSON_OPTION, STATE_OPTION, emit, table

app = typer.Typer(help="The audit log of a device: who did what, when, from where.", no_args_is_help=True)

NOT_AUTHENTIC = 6


@app.command()
def show(
    state: Path = STATE_OPTION,
    limit: int = typer.Option(50, help="Newest entries at most.", min=1, max=100_000),
    kind: str = typer.Option("", help="Only this kind, e.g. settings_changed."),
    who: str = typer.Option("", help="Only by this user or part."),
    text: str = typer.Option("", help="Only with these words."),
    as_json: bool = JSON_OPTION,
) -> None:
    """Print the newest entries, the newest last."""
    from dataclasses import asdict

    from camward.app.state import journal_folder
    from camward.journal import JournalFilter, read_entries

    wanted = JournalFilter(kind=kind or None, who=who or None, text=text)
    entries = read_entries(journal_folder(state), wanted, limit=limit)[::-1]
    rows = [(entry.seq, _time(entry.utc), entry.who, entry.where or "-", entry.what) for entry in entries]
    emit("journal", {"entries": [asdict(entry) for entry in entries]}, as_json=as_json, text=table(rows))


@app.command()
def verify(
    state: Path = STATE_OPTION,
    head: str = typer.Option("", help="NUMBER:HASH kept elsewhere; the journal must contain that entry."),
    as_json: bool = JSON_OPTION,
) -> None:
    """Check that no entry was changed, removed or put in. Exit code 6 if one was."""
    from camward.app.state import journal_folder, read_head
    from camward.journal import JournalVerdict, verify_journal

    report = verify_journal(journal_folder(state), known=read_head(head) if head else None)
    data: dict[str, Any] = {
        "verdict": report.verdict.value,
        "entries": report.entries,
        "first": report.first,
        "head": {"seq": report.head.seq, "hash": report.head.hash} if report.head else None,
    }
    lines = [f"{report.verdict.value}: {report.entries} entries are as they were written"]
    if report.head:
        lines.append(f"newest: {report.head.seq}:{report.head.hash}")
    if report.broken:
        broken = report.broken
        data["broken"] = {"part": broken.part, "line": broken.line, "seq": broken.seq, "reason": broken.reason.value}
        lines.append(f"broken at {broken.part}, line {broken.line}: {broken.text}")
    emit("journal-verdict", data, as_json=as_json, text="\n".join(lines))
    if report.verdict is JournalVerdict.BROKEN:
        raise typer.Exit(NOT_AUTHENTIC)


def _time(utc: int) -> str:
    return datetime.fromtimestamp(utc // 1_000_000_000, tz=UTC).strftime("%Y-%m-%d %H:%M:%SZ")
