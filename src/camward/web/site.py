"""What every page and every call of the API knows of the device it is served by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from starlette.requests import HTTPConnection

from camward.access import Access, Action, Device
from camward.access.settings import AccessSettings
from camward.base.clock import Clock, Utc
from camward.base.setting_info import SettingInfo
from camward.base.settings_store import SettingsProblem
from camward.journal import Journal
from camward.trust import DeviceIdentity

HOST_MEMORY_NS = 30_000_000_000
"""How long the names in the TLS certificate are remembered."""


class NamedDevice(Protocol):
    """The section about the device itself."""

    @property
    def name(self) -> str:
        """What people call it; may be empty."""
        ...


class DeviceTree(Protocol):
    """What the tree of every device has."""

    @property
    def device(self) -> NamedDevice:
        """About the device itself."""
        ...

    @property
    def access(self) -> AccessSettings:
        """How people prove who they are."""
        ...


class SettingsTree(Protocol):
    """What the pages need of `SettingsStore`."""

    problem: SettingsProblem | None

    @property
    def current(self) -> DeviceTree:
        """The settings in force."""
        ...

    def describe(self) -> list[SettingInfo]:
        """Every setting, in the tree's order."""
        ...

    def set(self, changes: Mapping[str, object], *, who: str) -> object:
        """Change some, all or none."""
        ...

    def schema(self) -> dict[str, Any]:
        """JSON schema."""
        ...


@dataclass(frozen=True, slots=True)
class NavItem:
    """One entry of the rail.

    Args:
        key: the letter after `g`.
        name: word under the icon.
        href: page.
        icon: symbol of the sprite.
        action: shown to whoever may do this.
        phone: in the bottom bar of a phone; the rest is under More.
        group: items of another group stand below a line.
    """

    key: str
    name: str
    href: str
    icon: str
    action: Action
    phone: bool = False
    group: int = 1


@dataclass(slots=True)
class Site:
    """One device's web site.

    Args:
        device: camera or recorder.
        access: who may.
        settings: the settings tree.
        journal: the audit log.
        identity: keys and certificates.
        clock: the clocks.
        nav: the rail.
        home: where one lands after logging in.
        started: monotonic seconds; set by itself.
    """

    device: Device
    access: Access
    settings: SettingsTree
    journal: Journal
    identity: DeviceIdentity
    clock: Clock
    nav: Sequence[NavItem]
    home: str = "/live"
    started: float = 0.0
    _names: frozenset[str] = frozenset()
    _names_until: Utc = field(default=Utc(0))

    def __post_init__(self) -> None:
        self.started = self.clock.monotonic()

    @property
    def uptime(self) -> float:
        """Seconds that the pages are up, which is as long as the device is."""
        return self.clock.monotonic() - self.started

    @property
    def name(self) -> str:
        """What people call the device."""
        return self.settings.current.device.name or self.identity.serial

    def names(self) -> frozenset[str]:
        """The DNS names and addresses of our TLS certificate: the names under which we may be addressed."""
        now = self.clock.utc()
        if not now < self._names_until <= now + HOST_MEMORY_NS:
            self._names = self.identity.tls_state(now=now).addresses
            self._names_until = Utc(now + HOST_MEMORY_NS)
        return self._names


def site_of(connection: HTTPConnection) -> Site:
    """The site that serves this connection."""
    site = connection.app.state.site
    assert isinstance(site, Site)
    return site
