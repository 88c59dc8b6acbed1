"""A small settings tree, and a store on it whose journal is a list."""

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

import pytest

from camward.base.clock import ManualClock
from camward.base.setting import SettingMeta, SettingsSection, setting
from camward.base.settings_store import SettingsChange, SettingsStore


class Connection(StrEnum):
    HTTPS = "https"
    HTTP = "http"


class Https(SettingsSection):
    port: int = setting(443, SettingMeta("HTTPS port", recommended=443), ge=1, le=65535)
    connection: Connection = setting(Connection.HTTPS, SettingMeta("Connection", recommended=Connection.HTTPS))


class Network(SettingsSection):
    https: Https = Https()
    hosts: tuple[str, ...] = setting((), SettingMeta("Allowed hosts"), max_length=8)


class Zone(SettingsSection):
    name: str
    width: int = 1


class Picture(SettingsSection):
    text: str = setting("", SettingMeta("Text", unit="characters"), max_length=20)
    gain: float | None = setting(None, SettingMeta("Gain"), ge=0, le=1)
    flip: bool = setting(False, SettingMeta("Flip"))
    zones: tuple[Zone, ...] = setting((), SettingMeta("Zones"))


class Tree(SettingsSection):
    network: Network = Network()
    picture: Picture = Picture()


@pytest.fixture
def tree() -> type[Tree]:
    return Tree


@pytest.fixture
def journalled() -> list[SettingsChange]:
    return []


@pytest.fixture
def open_store(tmp_path: Path, journalled: list[SettingsChange]) -> Callable[[], SettingsStore[Tree]]:
    """Opens the store of this test's folder, as a start of the device does."""
    return lambda: SettingsStore(Tree, tmp_path / "settings.toml", clock=ManualClock(), journal=journalled.append)
