"""The event log: open alarms, states that end, what survives a restart."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from camward.base.clock import ManualClock
from camward.base.events import Event, EventBus, EventKind
from camward.journal import Journal
from camward.web.recorder.event_log import EventLimits, EventLog, UnknownEventError, worst_first

LOST = EventKind.CAMERA_UNREACHABLE
BACK = EventKind.CAMERA_BACK


class Bench:
    """A journal, a bus and a log, that can be started anew."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.clock, self.bus = folder, ManualClock(), EventBus()
        self.journal = Journal(folder, self.clock)
        self.log = EventLog(self.journal, self.clock, self.bus)

    def tell(self, kind: EventKind, subject: str = "", *, alarm: bool = True) -> None:
        self.clock.advance(1)
        self.bus.publish(Event(kind, self.clock.utc(), f"{kind} of {subject}", alarm=alarm, subject=subject))

    def restart(self, limits: EventLimits = EventLimits()) -> None:
        self.close()
        self.bus = EventBus()
        self.journal = Journal(self.folder, self.clock)
        self.log = EventLog(self.journal, self.clock, self.bus, limits=limits)

    def close(self) -> None:
        self.log.close()
        self.journal.close()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path / "journal")
    yield made
    made.close()


def numbers(found) -> list[int]:
    return [one.number for one in found]


def test_events_come_newest_first_and_by_pages(bench: Bench) -> None:
    for index in range(5):
        bench.tell(EventKind.CLOCK_JUMP, str(index), alarm=False)
    assert numbers(bench.log.newest(limit=3)) == [5, 4, 3]
    assert numbers(bench.log.newest(limit=3, before=3)) == [2, 1]
    assert numbers(bench.log.newest(limit=9, wanted=lambda one: one.event.subject == "2")) == [3]


def test_an_alarm_is_open_until_its_state_ends_for_the_same_camera(bench: Bench) -> None:
    bench.tell(LOST, "a")
    bench.tell(LOST, "b")
    bench.tell(BACK, "b", alarm=False)
    assert numbers(bench.log.open_alarms()) == [1]
    assert bench.log.get(2).ended == bench.clock.utc()


async def test_acknowledging_is_journalled_once_and_survives(bench: Bench) -> None:
    bench.tell(LOST, "a")
    bench.tell(EventKind.STORAGE_FULL)
    done = await bench.log.acknowledge(1, by="petra", address="10.0.0.9")
    again = await bench.log.acknowledge(1, by="someone else", address="")
    assert done == again and done.by == "petra" and not done.open
    bench.restart()
    assert numbers(bench.log.open_alarms()) == [2]
    assert bench.log.get(1).by == "petra"
    entries = [entry for entry in bench.journal.read() if entry.kind == "event_acknowledged"]
    assert [(entry.who, entry.where) for entry in entries] == [("petra", "10.0.0.9")]


def test_numbers_go_on_after_a_restart_and_states_still_end(bench: Bench) -> None:
    bench.tell(LOST, "a")
    bench.restart()
    assert numbers(bench.log.open_alarms()) == [1]
    bench.tell(BACK, "a", alarm=False)
    assert bench.log.open_alarms() == []
    assert numbers(bench.log.newest(limit=9)) == [2, 1]


async def test_what_is_not_there_can_not_be_acknowledged(bench: Bench) -> None:
    with pytest.raises(UnknownEventError):
        await bench.log.acknowledge(7, by="x", address="")


def test_memory_is_bounded(bench: Bench) -> None:
    bench.restart(EventLimits(held=10))
    for index in range(30):
        bench.tell(LOST, str(index))
    assert numbers(bench.log.newest(limit=99)) == list(range(30, 20, -1))
    with pytest.raises(UnknownEventError):
        bench.log.get(3)


def test_a_failing_journal_does_not_stop_events(bench: Bench) -> None:
    bench.tell(LOST, "a")
    bench.log.close()
    bench.journal.close()
    bench.log = EventLog(Journal(bench.folder, bench.clock), bench.clock, bench.bus)
    bench.journal = bench.log._journal
    bench.journal.close()
    bench.tell(LOST, "b")
    assert len(bench.log.open_alarms()) == 2


def test_worst_first(bench: Bench) -> None:
    bench.tell(EventKind.LOGIN_FAILED)
    bench.tell(LOST, "a")
    bench.tell(EventKind.STORAGE_FAILED)
    bench.tell(LOST, "b")
    assert numbers(worst_first(bench.log.open_alarms())) == [3, 4, 2, 1]
