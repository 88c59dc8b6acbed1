"""The access of a device in a throwaway folder, with passwords hashed at a cost that tests can bear."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from camward.access import Access, AccessLimits, Device, HashCost
from camward.access.settings import AccessSettings
from camward.base.clock import ManualClock
from camward.base.events import Event, EventBus
from camward.base.secret import Secret
from camward.journal import Entry, Journal

FINGERPRINT = bytes(range(32))
PASSWORD = Secret("four plain words here")


class Events:
    """Takes what is published."""

    def __init__(self) -> None:
        self.items: list[Event] = []

    def offer(self, item: Event) -> None:
        self.items.append(item)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def journal(tmp_path: Path, clock: ManualClock) -> Iterator[Journal]:
    journal = Journal(tmp_path / "journal", clock)
    yield journal
    journal.close()


@pytest.fixture
def events() -> Events:
    return Events()


@pytest.fixture
def settings_in_use() -> dict[str, AccessSettings]:
    """Under "now"; a test may put others there."""
    return {"now": AccessSettings()}


@pytest.fixture
def open_access(tmp_path, clock, journal, events, settings_in_use) -> Iterator[Callable[..., Access]]:
    """Opens this test's device, as a start does; again and again if wanted."""
    bus = EventBus()
    bus.add(events)
    opened: list[Access] = []

    def start(device: Device = Device.CAMERA, *, limits: AccessLimits = AccessLimits()) -> Access:
        access = Access(
            tmp_path,
            device=device,
            clock=clock,
            journal=journal,
            settings=lambda: settings_in_use["now"],
            fingerprint=FINGERPRINT,
            events=bus,
            cost=HashCost(memory=64, passes=1),
            limits=limits,
        )
        opened.append(access)
        return access

    start.opened = opened
    yield start
    for access in opened:
        access.close()


@pytest.fixture
def access(open_access) -> Access:
    return open_access()


@pytest.fixture
def claim_it() -> Callable[..., object]:
    """Makes the administrator "root" with the password of these tests."""

    async def claim(access: Access, name: str = "root") -> Access:
        code = access.claim.code()
        assert code is not None
        await access.claim.make_administrator(code, name, PASSWORD, address="192.0.2.1")
        return access

    return claim


@pytest.fixture
async def claimed(access, claim_it) -> Access:
    return await claim_it(access)


@pytest.fixture
async def recorder(open_access, claim_it) -> Access:
    return await claim_it(open_access(Device.RECORDER))


@pytest.fixture
def entries(journal, open_access) -> Callable[[], list[Entry]]:
    """What is in the journal, the oldest first, once all that waits is written."""

    def read() -> list[Entry]:
        for access in open_access.opened:
            with contextlib.suppress(RuntimeError):  # closed: nothing waits
                access._thread.submit(lambda: None).result(timeout=10)
        return journal.read(limit=1000)[::-1]

    return read


@pytest.fixture
def kinds(entries) -> Callable[[], list[str]]:
    """The kinds of what is in the journal, the oldest first."""
    return lambda: [entry.kind for entry in entries()]
