"""What camera and recorder have in common: one state folder, its journal, settings, identity and TLS context."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

import structlog

from camward.access import Access, Device
from camward.app.addresses import machine_addresses
from camward.app.settings import DeviceTree
from camward.base.clock import Clock, SystemClock
from camward.base.errors import ConfigurationError
from camward.base.events import Event, EventBus, EventKind
from camward.base.files import write_atomic
from camward.base.settings_store import SettingsChange, SettingsStore
from camward.journal import Journal
from camward.trust import DeviceIdentity, reload_certificate, server_context

M = TypeVar("M", bound=DeviceTree)
log = structlog.get_logger(__name__)

KIND_FILE = "device.json"
SETTINGS_FILE = "settings.toml"
JOURNAL_FOLDER = "journal"
VALUE_SHOWN = 200
"""Characters of a setting's value in the journal; a list of a thousand addresses would not fit into an entry."""
CERTIFICATE_ROUND = 3600.0
"""Seconds between looks at the TLS certificate and at this machine's addresses."""


@dataclass(slots=True)
class Ground(Generic[M]):
    """The open state of one device.

    Args:
        state: the folder.
        kind: camera or recorder.
        clock: the machine's.
        journal: the audit log.
        settings: the settings of this kind of device.
        identity: keys and certificates.
        tls: served by every listener; its certificate is changed in place.
        events: what happens.
        access: who may.
        started: UTC, nanoseconds.
    """

    state: Path
    kind: Device
    clock: Clock
    journal: Journal
    settings: SettingsStore[M]
    identity: DeviceIdentity
    tls: ssl.SSLContext
    events: EventBus
    access: Access
    started: int
    renew: asyncio.Event = field(default_factory=asyncio.Event)

    def tell_problems(self) -> None:
        """Raise the alarms that only the start knows of; call it when whoever listens is there."""
        problem = self.settings.problem
        if problem is not None:
            text = f"{problem.file}, line {problem.line}: {problem.message}"
            details = {"line": str(problem.line), "key": problem.key}
            broken = Event(EventKind.SETTINGS_BROKEN, self.clock.utc(), text, alarm=True, details=details)
            self.events.publish(broken)

    async def keep_certificate(self) -> None:
        """Renew the TLS certificate in time and when addresses change; streams that run go on."""
        while True:
            self._renew_if_due()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CERTIFICATE_ROUND):
                    await self.renew.wait()
                    self.identity.reload()
                    self._serve_certificate()
            self.renew.clear()

    def _renew_if_due(self) -> None:
        addresses, now = machine_addresses(), self.clock.utc()
        if self.identity.ensure_tls(addresses, now=now):
            self._serve_certificate()
        state = self.identity.tls_state(addresses, now=now)
        if state.due and not state.self_signed:
            text = f"The TLS certificate needs a new one from the site's CA; it ends {state.end:%Y-%m-%d}"
            self.events.publish(Event(EventKind.CERTIFICATE_EXPIRING, now, text, alarm=True))

    def _serve_certificate(self) -> None:
        reload_certificate(self.tls, self.identity.tls_chain_path, self.identity.tls_key.path)
        log.info("tls_certificate_served", fingerprint=self.identity.tls_fingerprint)


@contextlib.contextmanager
def open_ground(state: Path, kind: Device, model: type[M]) -> Iterator[Ground[M]]:
    """Open a device's state; made on the first call.

    Raises:
        ConfigurationError: the folder belongs to another kind of device, or its keys can't be used.
        JournalError: another process of this device runs.
        OSError: the state can't be used.
    """
    clock = SystemClock()
    mark_kind(state, kind)
    journal = Journal(state / JOURNAL_FOLDER, clock)
    with contextlib.ExitStack() as closing:
        closing.callback(journal.close)
        settings = open_settings(state, model, clock=clock, journal=journal)
        identity = DeviceIdentity.load_or_create(
            state, name=f"Camward {kind}", now=clock.utc(), addresses=machine_addresses()
        )
        events = EventBus()
        events.add(_EventsLogged())
        access = Access(
            state,
            device=kind,
            clock=clock,
            journal=journal,
            settings=lambda: settings.current.access,
            fingerprint=identity.fingerprint,
            events=events,
        )
        closing.callback(access.close)
        yield Ground(
            state=state,
            kind=kind,
            clock=clock,
            journal=journal,
            settings=settings,
            identity=identity,
            tls=server_context(identity.tls_chain_path, identity.tls_key.path),
            events=events,
            access=access,
            started=clock.utc(),
        )


class _EventsLogged:
    """Every event is a line of the log, too."""

    def offer(self, item: Event) -> None:
        tell = log.warning if item.alarm else log.info
        tell(f"event_{item.kind}", subject=item.subject, text=item.text)


def open_settings(state: Path, model: type[M], *, clock: Clock, journal: Journal) -> SettingsStore[M]:
    """The settings of a device, journalled."""

    def remember(change: SettingsChange) -> None:
        details: Mapping[str, object] = {
            path: {"old": _shown(old), "new": _shown(new)} for path, (old, new) in change.changes.items()
        }
        what = f"Settings changed: {', '.join(change.changes)}"
        journal.append("settings_changed", who=change.who, what=what, details=details)

    return SettingsStore(model, state / SETTINGS_FILE, clock=clock, journal=remember)


def mark_kind(state: Path, kind: Device) -> None:
    """Write down what a state folder belongs to.

    Raises:
        ConfigurationError: it belongs to the other kind.
    """
    state.mkdir(parents=True, exist_ok=True)
    found = kind_of(state)
    if found is None:
        write_atomic(state / KIND_FILE, json.dumps({"device": kind.value}).encode() + b"\n")
    elif found is not kind:
        raise ConfigurationError(f"{state} is the state of a {found}, not of a {kind}", next="choose another --state")


def kind_of(state: Path) -> Device | None:
    """What a state folder belongs to; None for one that no device has used.

    Raises:
        ConfigurationError: its mark can't be read.
    """
    try:
        return Device(json.loads((state / KIND_FILE).read_bytes())["device"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        raise ConfigurationError(
            f"{state / KIND_FILE} is damaged", next='write {"device": "camera"} or {"device": "recorder"} into it'
        ) from None


def _shown(value: object) -> object:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if len(text) > VALUE_SHOWN:
        return text[: VALUE_SHOWN - 1] + "…"
    return value
