"""How cameras and their states are shown: one word, one icon, one tone each, for pages and API alike."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from pydantic import BaseModel, Field

from camward.access.table import Action
from camward.recorder import CameraEntry, CameraState, CameraStatus, Recorder
from camward.recorder.status import StorageReport, StreamStatus
from camward.trust import fingerprint_words
from camward.web.admission import Visitor
from camward.web.recorder.times import milliseconds

LATE = 1.0
"""Seconds from which a delay is worth a word."""

DAY = 86_400
CODECS = {"h264": "H.264", "h265": "H.265"}


@dataclass(frozen=True, slots=True)
class Look:
    """A state's word, icon and tone (a class of the sheet, or empty for what is normal)."""

    word: str
    icon: str
    tone: str = ""


LOOKS: Mapping[CameraState, Look] = {
    CameraState.RECORDING: Look("Recording", "rec"),
    CameraState.CONNECTING: Look("Connecting", "wait"),
    CameraState.NO_SIGNAL: Look("No signal", "nosig"),
    CameraState.UNREACHABLE: Look("Not reachable", "nosig"),
    CameraState.REFUSED: Look("Refused", "bad", "st--bad"),
    CameraState.STORAGE: Look("Not recording: storage", "recoff", "st--bad"),
    CameraState.OFF: Look("Switched off", "power"),
}


class StateView(BaseModel):
    """How things stand with a camera."""

    state: str = Field(description="stable name: recording, connecting, no_signal, unreachable, refused, storage, off")
    word: str
    icon: str
    tone: str
    reason: str = Field(description="one sentence; empty while all is well")
    since: float = Field(description="milliseconds since 1970")
    next_try: float | None = Field(description="when the recorder connects again, milliseconds since 1970")


class StreamView(BaseModel):
    """One stream that is connected now."""

    name: str
    codec: str
    width: int
    height: int
    kbit_s: float
    delay: float | None = Field(description="seconds from capture to arrival")
    last_picture: float | None
    recorded_until: float | None


class CameraView(BaseModel):
    """One camera of the recorder."""

    id: str
    name: str
    kind: str = Field(description="camward or rtsp")
    address: str = Field(description="empty for those who may not manage it")
    enabled: bool
    encrypted: bool
    sealed: bool = Field(description="whether its pictures are signed and encrypted at the source")
    stream2: bool = Field(description="whether it has a small stream")
    pin: str | None = Field(description="SHA-256 of the certificate that alone is accepted, hex")
    pin_words: str
    username: str
    keep_days: int | None
    keep_gb: int | None
    state: StateView
    streams: list[StreamView]
    stream_words: str
    delay: float | None
    delay_words: str
    kept_words: str
    may_manage: bool


def sentences(text: str) -> str:
    """Each sentence with a capital: errors are put together from parts that begin small."""
    return re.sub(r"(^|\. )([a-z])", lambda match: match[1] + match[2].upper(), text)


def state_view(status: CameraStatus) -> StateView:
    """A state as it is shown."""
    look = LOOKS[status.state]
    return StateView(
        state=status.state.value,
        word=look.word,
        icon=look.icon,
        tone=look.tone,
        reason=sentences(status.reason),
        since=milliseconds(status.since),
        next_try=None if status.next_try is None else milliseconds(status.next_try),
    )


def camera_view(recorder: Recorder, camera_id: str, entry: CameraEntry, visitor: Visitor, *, kept: str) -> CameraView:
    """A camera as a visitor may see it."""
    status = recorder.status(camera_id)
    main = next((stream for stream in status.streams if stream.name == "stream1"), None)
    manages = visitor.may(Action.CAMERAS_MANAGE, camera_id)
    delay = main.delay if main else None
    return CameraView(
        id=camera_id,
        name=entry.name,
        kind=entry.kind,
        address=entry.url if manages else "",
        enabled=entry.enabled,
        encrypted=urlsplit(entry.url).scheme == "rtsps",
        sealed=False,
        stream2=entry.second_url is not None,
        pin=entry.pin if manages else None,
        pin_words=fingerprint_words(bytes.fromhex(entry.pin)) if manages and entry.pin else "",
        username=entry.username if manages else "",
        keep_days=entry.keep_days,
        keep_gb=entry.keep_gb,
        state=state_view(status),
        streams=[_stream_view(stream) for stream in status.streams],
        stream_words=stream_words(main),
        delay=delay,
        delay_words="–" if delay is None else f"{delay:.1f} s late" if delay >= LATE else "none to speak of",
        kept_words=kept,
        may_manage=manages,
    )


def camera_views(recorder: Recorder, visitor: Visitor, storage: StorageReport | None) -> list[CameraView]:
    """Those cameras of the book that a visitor may see, by name."""
    kept = {camera.camera_id: kept_words(storage, camera.camera_id) for camera in storage.cameras} if storage else {}
    views = [
        camera_view(recorder, camera_id, entry, visitor, kept=kept.get(camera_id, "nothing yet"))
        for camera_id, entry in recorder.cameras.list().items()
        if visitor.may(Action.CAMERAS_READ, camera_id)
    ]
    return sorted(views, key=lambda view: (view.name.lower(), view.id))


def kept_words(storage: StorageReport, camera_id: str) -> str:
    """ "3 days, 41 GB"."""
    found = next((camera for camera in storage.cameras if camera.camera_id == camera_id), None)
    if found is None or found.size == 0:
        return "nothing yet"
    return f"{span_words((found.newest - found.oldest) / 1e9)}, {size_words(found.size)}"


def stream_words(stream: StreamStatus | None) -> str:
    """ "H.264, 1920 × 1080, 3.9 Mbit/s"."""
    if stream is None or not stream.codec:
        return "–"
    rate = f"{stream.kbits / 1000:.1f} Mbit/s" if stream.kbits >= 1000 else f"{stream.kbits:.0f} kbit/s"
    return f"{CODECS.get(stream.codec, stream.codec)}, {stream.width} × {stream.height}, {rate}"


def size_words(size: float) -> str:
    """ "41 GB", decimal as disks are sold."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if size >= 10 or unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def span_words(seconds: float) -> str:
    """ "12 minutes", "5 hours", "31 days"."""
    for unit, name, until in ((60, "minute", 3600), (3600, "hour", 2 * DAY), (DAY, "day", float("inf"))):
        if seconds < until:
            number = max(1, round(seconds / unit))
            return f"{number} {name}{'' if number == 1 else 's'}"
    raise AssertionError("unreachable")


def days_words(days: float | None) -> str:
    """How many days of recordings the disk holds."""
    if days is None:
        return "not known yet: it takes an hour of recording"
    if days < 1:
        return f"about {max(1, round(days * 24))} hours"
    return f"about {days:.0f} days" if days >= 10 else f"about {days:.1f} days"


def _stream_view(stream: StreamStatus) -> StreamView:
    return StreamView(
        name=stream.name,
        codec=stream.codec,
        width=stream.width,
        height=stream.height,
        kbit_s=round(stream.kbits, 1),
        delay=None if stream.delay is None else round(stream.delay, 3),
        last_picture=None if stream.last_picture is None else milliseconds(stream.last_picture),
        recorded_until=None if stream.recorded_until is None else milliseconds(stream.recorded_until),
    )
