"""A device's state folder seen from outside: what the command line reads and changes, running device or not."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from camward.access import Device
from camward.app.console import ask, running
from camward.app.device import JOURNAL_FOLDER, SETTINGS_FILE, kind_of, mark_kind, open_settings
from camward.app.settings import CameraSettings, DeviceTree, RecorderSettings
from camward.base.clock import SystemClock
from camward.base.errors import ConfigurationError
from camward.base.setting_info import SettingInfo, describe, plain
from camward.base.settings_file import FILE_LIMIT, SettingsFileError, parse_settings
from camward.base.settings_store import SettingsStore
from camward.journal import Head, Journal

MODELS: dict[Device, type[DeviceTree]] = {Device.CAMERA: CameraSettings, Device.RECORDER: RecorderSettings}


def device_of(state: Path, *, kind: Device | None = None) -> Device:
    """Camera or recorder.

    Args:
        state: the folder.
        kind: what it is if it is new.

    Raises:
        ConfigurationError: no device has used it, and nothing says what it shall be.
    """
    found = kind_of(state) or kind
    if found is None:
        raise ConfigurationError(
            f"{state} is not the state of a device", next="check --state, or say what it shall be with --device"
        )
    return found


def journal_folder(state: Path) -> Path:
    """Where a device's journal is.

    Raises:
        ConfigurationError: there is none.
    """
    folder = state / JOURNAL_FOLDER
    if not folder.is_dir():
        raise ConfigurationError(f"{state} has no journal", next="check --state")
    return folder


def read_head(text: str) -> Head:
    """A head as `journal verify` printed it.

    Raises:
        ConfigurationError: it is not one.
    """
    found = re.fullmatch(r"(\d{1,15}):([0-9a-f]{64})", text)
    if found is None:
        raise ConfigurationError(f"{text[:80]!r} is no journal head", next="write it as NUMBER:HASH")
    return Head(int(found[1]), found[2])


def read_settings(state: Path, *, kind: Device | None = None) -> list[SettingInfo]:
    """Every setting as the file has it.

    Raises:
        SettingsFileError: the file can't be used; a running device goes on with its last good settings.
        ConfigurationError: not a device's state.
    """
    model = MODELS[device_of(state, kind=kind)]
    path = state / SETTINGS_FILE
    try:
        with path.open("rb") as file:
            current = parse_settings(model, file.read(FILE_LIMIT + 1), file=path.name)
    except FileNotFoundError:
        current = model()
    return describe(model, current)


def find_setting(infos: list[SettingInfo], path: str) -> SettingInfo:
    """One setting by its path.

    Raises:
        ConfigurationError: there is no such setting.
    """
    for info in infos:
        if info.path == path:
            return info
    last = path.rpartition(".")[2]
    near = [info.path for info in infos if info.path.rpartition(".")[2] == last]
    near = near or difflib.get_close_matches(path, [info.path for info in infos], n=1)
    raise ConfigurationError(f'unknown setting "{path}"', next=f'did you mean "{near[0]}"?' if near else "")


def change_settings(
    state: Path, changes: Mapping[str, str | None], *, who: str, kind: Device | None = None
) -> dict[str, object]:
    """Change settings, all or none, as a person typed them; None removes a choice. Returns path -> value.

    A running device is asked to do it, so that it follows at once.

    Raises:
        ConfigurationError: an unknown setting or a value that is not allowed; nothing changed.
    """
    device = device_of(state, kind=kind)
    infos = read_settings_or_defaults(state, device)
    values = {
        path: None if text is None else plain(find_setting(infos, path).read(text)) for path, text in changes.items()
    }
    if running(state):
        ask(state, "settings_set", {"changes": values, "who": who})
    else:
        _with_store(state, device, lambda store: store.set(values, who=who))
    return {path: plain(find_setting(read_settings(state), path).current) for path in changes}


def replace_settings(state: Path, text: str, *, who: str, kind: Device | None = None) -> None:
    """Take a whole settings text.

    Raises:
        SettingsFileError: it can't be used; nothing changed.
    """
    device = device_of(state, kind=kind)
    if running(state):
        ask(state, "settings_replace", {"text": text, "who": who})
    else:
        _with_store(state, device, lambda store: store.replace(text, who=who))


def settings_schema(kind: Device) -> dict[str, Any]:
    """JSON schema of a device's settings."""
    return MODELS[kind].model_json_schema()


def read_settings_or_defaults(state: Path, kind: Device) -> list[SettingInfo]:
    """The same as `read_settings`, but a broken file does not keep anybody from mending it."""
    try:
        return read_settings(state, kind=kind)
    except SettingsFileError:
        model = MODELS[kind]
        return describe(model, model())


def _with_store(state: Path, kind: Device, change: Callable[[SettingsStore[Any]], object]) -> None:
    mark_kind(state, kind)
    clock = SystemClock()
    journal = Journal(state / JOURNAL_FOLDER, clock)
    try:
        change(open_settings(state, MODELS[kind], clock=clock, journal=journal))
    finally:
        journal.close()
