"""Events and alarms: what any room may report, and mail, traps, the journal and the pages act on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from camward.base.clock import Utc
from camward.base.fanout import FanOut


class EventKind(StrEnum):
    """Kinds of events; the value is the stable name in the API."""

    SIGNAL_LOST = "signal_lost"
    SIGNAL_BACK = "signal_back"
    LOGIN_FAILED = "login_failed"
    SETTINGS_BROKEN = "settings_broken"
    STORAGE_FULL = "storage_full"
    STORAGE_FAILED = "storage_failed"
    STORAGE_BACK = "storage_back"
    CLOCK_JUMP = "clock_jump"
    CAMERA_UNREACHABLE = "camera_unreachable"
    CAMERA_BACK = "camera_back"
    CERTIFICATE_EXPIRING = "certificate_expiring"
    JOURNAL_BROKEN = "journal_broken"


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened that a person may have to know.

    Args:
        kind: what.
        utc: when.
        text: one plain sentence.
        alarm: whether a person should act.
        subject: camera id, volume, user; empty for the device itself.
        details: plain values, no secrets.
    """

    kind: EventKind
    utc: Utc
    text: str
    alarm: bool = False
    subject: str = ""
    details: Mapping[str, str] = field(default_factory=dict)


EventBus = FanOut[Event]
