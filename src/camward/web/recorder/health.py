"""How things stand with each part of the recorder: state, since when, what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from camward.access.table import Action
from camward.base.clock import NS, Utc
from camward.base.events import EventKind
from camward.recorder import CameraState, CameraStatus
from camward.recorder.status import StorageReport, VolumeState
from camward.web.admission import Visitor
from camward.web.recorder.parts import RecorderParts
from camward.web.recorder.shown import LATE, LOOKS, days_words, size_words

WEEK = 7 * 86_400 * NS
NEXT_CAMERA: dict[CameraState, str] = {
    CameraState.REFUSED: "Give its name and password again on its page.",
    CameraState.UNREACHABLE: "Check its power and network; the recorder goes on trying.",
    CameraState.NO_SIGNAL: "The camera answers but sends no picture: look at its own status page.",
    CameraState.STORAGE: "See the disk above.",
    CameraState.OFF: "Switch it on again on its page.",
}
VOLUME: dict[VolumeState, tuple[str, str, str, str]] = {
    VolumeState.OK: ("ok", "st--ok", "Fine", ""),
    VolumeState.SLOW: (
        "unsure",
        "st--unsure",
        "Slow",
        "Pictures wait for the disk: use a faster one, or fewer cameras.",
    ),
    VolumeState.FULL: ("bad", "st--bad", "Full", "Free some space, let go of kept ranges, or keep fewer days."),
    VolumeState.FAILED: ("bad", "st--bad", "Failed", "Check the disk and its cables; recording resumes by itself."),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One part's health.

    Args:
        part: what.
        icon: of the sprite.
        tone: class of the sheet.
        word: the state.
        text: facts, or what to do next.
        since: when the state began, if that is known.
        href: where to see to it.
        ill: whether something is to be done.
    """

    part: str
    icon: str
    tone: str
    word: str
    text: str
    since: Utc | None = None
    href: str = ""
    ill: bool = False


def headline(lines: list[Line], cameras: int) -> tuple[str, bool]:
    """One sentence over all lines, and whether all is well."""
    ill = [line for line in lines if line.ill]
    if not ill:
        if cameras == 0:
            return "Nothing is recorded yet: there is no camera.", True
        return (
            f"{'The camera is' if cameras == 1 else f'All {cameras} cameras are'} recording, and all parts are well.",
            True,
        )
    names = ", ".join(line.part for line in ill[:3]) + (f" and {len(ill) - 3} more" if len(ill) > 3 else "")
    return f"{len(ill)} {'part needs' if len(ill) == 1 else 'parts need'} you: {names}.", False


def health_lines(parts: RecorderParts, who: Visitor, storage: StorageReport) -> list[Line]:
    """All parts: what is ill first."""
    now = parts.clock.utc()
    lines = [
        _disk(storage),
        *_cameras(parts, who),
        _clock(parts, now),
        _certificate(parts, now),
        _journal(parts),
        _settings(parts),
    ]
    return sorted(lines, key=lambda line: not line.ill)


def _disk(storage: StorageReport) -> Line:
    icon, tone, word, step = VOLUME[storage.state]
    facts = (
        f"{size_words(storage.free)} of {size_words(storage.total)} free, recordings take {size_words(storage.used)}; "
        f"room for recordings: {days_words(storage.days)}."
    )
    text = " ".join(part for part in (storage.reason, step, facts) if part)
    return Line("Disk of recordings", icon, tone, word, text, href="/cameras", ill=storage.state is not VolumeState.OK)


def _cameras(parts: RecorderParts, who: Visitor) -> Iterator[Line]:
    for status in sorted(parts.recorder.statuses(), key=lambda status: status.name.lower()):
        if who.may(Action.CAMERAS_READ, status.camera_id):
            yield _camera(status)


def _camera(status: CameraStatus) -> Line:
    look = LOOKS[status.state]
    well = status.state in (CameraState.RECORDING, CameraState.OFF)
    main = next((stream for stream in status.streams if stream.name == "stream1"), None)
    late = main is not None and main.delay is not None and main.delay >= LATE
    facts: list[str] = []
    if main is not None and status.state is CameraState.RECORDING:
        facts.append(f"{main.kbits / 1000:.1f} Mbit/s")
        if main.delay is not None:
            facts.append(f"{main.delay:.1f} s from camera to recorder")
        if status.plain:
            facts.append("not encrypted on the network")
    text = " ".join(part for part in (status.reason, NEXT_CAMERA.get(status.state, "")) if part)
    text = text or (", ".join(facts)[:1].upper() + ", ".join(facts)[1:] + "." if facts else "")
    tone = look.tone or ("st--ok" if status.state is CameraState.RECORDING else "")
    word = "Recording, late" if late else look.word
    if late:
        text = f"{text} Its clock or the network is behind."
    href = f"/cameras/{status.camera_id}"
    icon, tone = ("delay", "st--unsure") if late else (look.icon, tone)
    return Line(status.name, icon, tone, word, text, since=status.since, href=href, ill=not well or late)


def _clock(parts: RecorderParts, now: Utc) -> Line:
    jumps = parts.log.newest(limit=1, wanted=lambda one: one.event.kind is EventKind.CLOCK_JUMP)
    if jumps and now - jumps[0].event.utc < WEEK:
        event = jumps[0].event
        text = f"{event.text} Let the system keep time by NTP."
        return Line("Clock", "unsure", "st--unsure", "Jumped", text, since=event.utc, ill=jumps[0].open)
    return Line("Clock", "ok", "st--ok", "Steady", "No jump seen in the last week.")


def _certificate(parts: RecorderParts, now: Utc) -> Line:
    state = parts.identity.tls_state(now=now)
    end = state.end.strftime("%-d %b %Y")
    days = (state.end.timestamp() * NS - now) / NS / 86_400
    href = "/setup"
    if days <= 0:
        return Line(
            "Certificate", "bad", "st--bad", "Ended", f"It ended on {end}. Issue a new one.", href=href, ill=True
        )
    if state.self_signed:
        text = f"Until {end}. Browsers ask before they accept it: have the site's CA issue one."
        return Line("Certificate", "unsure", "st--unsure", "Self-signed", text, href=href)
    if state.due:
        return Line("Certificate", "unsure", "st--unsure", "Renewal due", f"Until {end}.", href=href)
    return Line("Certificate", "ok", "st--ok", "Valid", f"Until {end}.", href=href)


def _journal(parts: RecorderParts) -> Line:
    broken = parts.log.newest(limit=1, wanted=lambda one: one.event.kind is EventKind.JOURNAL_BROKEN)
    if broken and broken[0].open:
        event = broken[0].event
        return Line("Journal", "bad", "st--bad", "Broken", event.text, since=event.utc, href="/journal", ill=True)
    count = parts.journal.head.seq
    return Line("Journal", "ok", "st--ok", "Written", f"{count} entries, each bound to all before it.", href="/journal")


def _settings(parts: RecorderParts) -> Line:
    problem = parts.settings.problem
    if problem is None:
        return Line("Settings", "ok", "st--ok", "In force", "The file and what runs are the same.", href="/setup")
    place = f"{problem.file}, line {problem.line}" if problem.line else problem.file
    text = f"{place}: {problem.message}."
    return Line("Settings", "bad", "st--bad", "Not the file's", text, since=problem.since, href="/setup", ill=True)
