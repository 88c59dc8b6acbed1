"""Events of the recorder, newest last: held for the pages, journalled so that they survive a restart.

An alarm is open until somebody acknowledges it, or until the state that it told of has ended by itself.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import structlog

from camward.base.clock import Clock, Utc
from camward.base.errors import CamwardError
from camward.base.events import Event, EventBus, EventKind
from camward.journal import Journal, JournalFilter
from camward.web.errors import NotFoundError

log = structlog.get_logger(__name__)

EVENT = "event"
ACKNOWLEDGED = "event_acknowledged"
"""Kinds of journal entries."""

ENDED_BY: Mapping[EventKind, EventKind] = {
    EventKind.SIGNAL_LOST: EventKind.SIGNAL_BACK,
    EventKind.CAMERA_UNREACHABLE: EventKind.CAMERA_BACK,
    EventKind.STORAGE_FULL: EventKind.STORAGE_BACK,
    EventKind.STORAGE_FAILED: EventKind.STORAGE_BACK,
}
"""A state's event, and the one that tells its end."""


class UnknownEventError(NotFoundError):
    """There is no such event, or it is too old to be held."""

    code = "UNKNOWN-EVENT"


@dataclass(frozen=True, slots=True)
class EventLimits:
    """What is held.

    Args:
        held: events in memory.
        waiting: events that the journal has not taken yet; more are only held.
    """

    held: int = 5000
    waiting: int = 500


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """An event with what became of it.

    Args:
        number: 1, 2, 3 ..., also across restarts.
        event: what happened.
        ended: when the state it told of ended; None: it goes on, or it was no state.
        acknowledged: when, and `by` whom; None: not yet.
    """

    number: int
    event: Event
    ended: Utc | None = None
    acknowledged: Utc | None = None
    by: str = ""

    @property
    def open(self) -> bool:
        """Whether a person should still act."""
        return self.event.alarm and self.acknowledged is None and self.ended is None


class EventLog:
    """Listens to the bus of events.

    Args:
        journal: where events are kept; what it has of them is read at once.
        clock: for acknowledgements.
        bus: listened to from now on.
    """

    def __init__(self, journal: Journal, clock: Clock, bus: EventBus, *, limits: EventLimits = EventLimits()) -> None:
        self._journal, self._clock, self._bus, self._limits = journal, clock, bus, limits
        self._held: deque[LoggedEvent] = deque(maxlen=limits.held)
        self._number = 0
        self._waiting = 0
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="events")
        self._read_journal()
        bus.add(self)

    def offer(self, item: Event) -> None:
        """See `Reader.offer`: takes the event at once; the journal gets it in a thread."""
        self._number += 1
        logged = LoggedEvent(self._number, item)
        self._take(logged)
        details = {
            "event": logged.number,
            "kind": item.kind.value,
            "at": str(item.utc),  # the journal holds whole numbers up to 2^53
            "alarm": item.alarm,
            "subject": item.subject,
            "details": dict(item.details),
        }
        self._write(EVENT, who="recorder", what=item.text, details=details)

    def newest(
        self, *, limit: int, wanted: Callable[[LoggedEvent], bool] = lambda _: True, before: int | None = None
    ) -> list[LoggedEvent]:
        """Events, newest first."""
        found: list[LoggedEvent] = []
        for logged in reversed(self._held):
            if (before is None or logged.number < before) and wanted(logged):
                found.append(logged)
                if len(found) >= limit:
                    break
        return found

    def open_alarms(self, wanted: Callable[[LoggedEvent], bool] = lambda _: True) -> list[LoggedEvent]:
        """What needs a person, newest first."""
        return [logged for logged in reversed(self._held) if logged.open and wanted(logged)]

    def get(self, number: int) -> LoggedEvent:
        """One event.

        Raises:
            UnknownEventError: not held.
        """
        for logged in reversed(self._held):
            if logged.number == number:
                return logged
        raise UnknownEventError(f"There is no event {number}", why="it may be too old", next="look into the journal")

    async def acknowledge(self, number: int, *, by: str, address: str) -> LoggedEvent:
        """Somebody has seen to it. Doing so twice changes nothing.

        Raises:
            UnknownEventError: not held.
            JournalError: it could not be journalled; the alarm stays open.
        """
        logged = self.get(number)
        if logged.acknowledged is not None:
            return logged
        what = f"Acknowledged: {logged.event.text}"
        await self._journal.record(ACKNOWLEDGED, who=by, where=address, what=what, details={"event": number})
        return self._change(number, acknowledged=self._clock.utc(), by=by)

    def close(self) -> None:
        """Stop listening; what waits for the journal is written first."""
        self._bus.remove(self)
        self._thread.shutdown(wait=True)

    def _take(self, logged: LoggedEvent) -> None:
        item = logged.event
        self._held.append(logged)
        for earlier in [one for one in self._held if one.ended is None and ENDED_BY.get(one.event.kind) == item.kind]:
            if earlier.event.subject == item.subject:
                self._change(earlier.number, ended=item.utc)

    def _change(self, number: int, **changes: object) -> LoggedEvent:
        for index, logged in enumerate(self._held):
            if logged.number == number:
                self._held[index] = replace(logged, **changes)  # type: ignore[arg-type]
                return self._held[index]
        raise UnknownEventError(f"There is no event {number}")

    def _write(self, kind: str, *, who: str, what: str, details: Mapping[str, object]) -> None:
        if self._waiting >= self._limits.waiting:
            log.warning("event_not_journalled", what=what)
            return
        self._waiting += 1
        self._thread.submit(self._append, kind, who=who, what=what, details=details)

    def _append(self, kind: str, *, who: str, what: str, details: Mapping[str, object]) -> None:
        try:
            self._journal.append(kind, who=who, what=what, details=details)
        except (CamwardError, OSError) as error:
            log.warning("event_not_journalled", what=what, error=str(error))
        finally:
            self._waiting -= 1

    def _read_journal(self) -> None:
        entries = self._journal.read(JournalFilter(kind=EVENT), limit=self._limits.held)
        for entry in reversed(entries):
            if (logged := _logged(entry.what, entry.details)) is not None:
                self._number = max(self._number, logged.number)
                self._take(logged)
        known = {logged.number for logged in self._held}
        for entry in self._journal.read(JournalFilter(kind=ACKNOWLEDGED), limit=self._limits.held):
            number = entry.details.get("event")
            if isinstance(number, int) and number in known:
                self._change(number, acknowledged=entry.utc, by=entry.who)


def _logged(text: str, details: Mapping[str, object]) -> LoggedEvent | None:
    """An event as the journal holds it; None for one of another version."""
    number, at, subject, more = (details.get(name) for name in ("event", "at", "subject", "details"))
    try:
        kind = EventKind(str(details.get("kind")))
    except ValueError:
        return None
    if not isinstance(number, int) or not isinstance(at, str) or not at.isdecimal():
        return None
    facts = {str(key): str(value) for key, value in more.items()} if isinstance(more, Mapping) else {}
    event = Event(
        kind, Utc(int(at)), text, alarm=details.get("alarm") is True, subject=str(subject or ""), details=facts
    )
    return LoggedEvent(number, event)


def worst_first(alarms: Iterable[LoggedEvent]) -> list[LoggedEvent]:
    """Storage before cameras, cameras before the rest; newest first within each."""
    order = {EventKind.STORAGE_FAILED: 0, EventKind.STORAGE_FULL: 0, EventKind.JOURNAL_BROKEN: 0}
    camera = {EventKind.CAMERA_UNREACHABLE, EventKind.SIGNAL_LOST}
    return sorted(
        alarms, key=lambda one: (order.get(one.event.kind, 1 if one.event.kind in camera else 2), -one.number)
    )
