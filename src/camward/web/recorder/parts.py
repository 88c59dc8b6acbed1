"""What the recorder's pages and API are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends
from starlette.requests import HTTPConnection

from camward.access import Access
from camward.base.clock import Clock
from camward.base.events import EventBus
from camward.base.settings_store import SettingsStore
from camward.journal import Journal
from camward.recorder import Recorder
from camward.trust import DeviceIdentity
from camward.web.recorder.event_log import EventLog


@dataclass(slots=True)
class RecorderParts:
    """The running parts that a recorder's site shows. The composition makes them and keeps them running.

    Args:
        access: who may.
        settings: the settings tree, with the sections `recording` and `cameras`.
        recorder: records, and reads what was recorded.
        journal: the audit log; every event is journalled by the site's event log, by nobody else.
        identity: this recorder's keys and certificates.
        clock: the clocks.
        events: what happens.
        event_log: made by `recorder_app` when there is none yet; close it at the end.
    """

    access: Access
    settings: SettingsStore[Any]
    recorder: Recorder
    journal: Journal
    identity: DeviceIdentity
    clock: Clock
    events: EventBus
    event_log: EventLog | None = None

    @property
    def log(self) -> EventLog:
        """The event log."""
        assert self.event_log is not None, "recorder_app makes it"
        return self.event_log


def parts_of(connection: HTTPConnection) -> RecorderParts:
    """The parts behind this connection's site."""
    parts = connection.app.state.parts
    assert isinstance(parts, RecorderParts)
    return parts


def _parts(connection: HTTPConnection) -> RecorderParts:
    return parts_of(connection)


Parts = Annotated[RecorderParts, Depends(_parts)]
"""Parameter of an endpoint: the parts."""
