"""The settings file: validated as a whole, written atomically, journalled; a broken file never stops a device.

`settings.toml` holds what people chose; a key that is not there has its default. `settings.last-good.toml` is the
last text that was validated and journalled. A start reads the file; if it can't be used, the last good one, else the
defaults, with `problem` set for the banner.

A change is written, then journalled, then copied to the last good file. So a change by hand, and one that a power
cut kept from the journal, both show at the next start as a difference between the two, and are journalled then.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import structlog
from pydantic import BaseModel

from camward.base.clock import Clock, Utc
from camward.base.errors import CamwardError, ConfigurationError
from camward.base.files import write_atomic
from camward.base.setting_info import SettingInfo, describe, export_text, leaf_values, plain
from camward.base.settings_edit import edit_text
from camward.base.settings_file import FILE_LIMIT, SettingsFileError, nearest_key, parse_settings

M = TypeVar("M", bound=BaseModel)
log = structlog.get_logger(__name__)

FILE_MODE = 0o640
HAND = "settings file"
"""Who changed a setting, when it was the file that was edited."""


@dataclass(frozen=True, slots=True)
class SettingsProblem:
    """Why the settings in use are not those of the file: the banner's text.

    Args:
        file: name of the file.
        line: line in it, from 1; 0 when it can't be told.
        key: dotted path, or empty.
        message: what is wrong, and what is used instead.
        since: when it was found.
    """

    file: str
    line: int
    key: str
    message: str
    since: Utc


@dataclass(frozen=True, slots=True)
class SettingsChange:
    """What the journal is told.

    Args:
        utc: when.
        who: user, or `HAND`.
        changes: dotted path -> (old, new), plain JSON values.
    """

    utc: Utc
    who: str
    changes: Mapping[str, tuple[object, object]]


class SettingsStore(Generic[M]):
    """The settings of one device. Calls may come from any thread; `set` blocks for a file flush or two.

    Args:
        model: the root of the tree of sections; each field must have a default.
        path: the file; it need not exist.
        clock: for `since` and the journal.
        journal: told of every change before the change counts as done; if it raises, the change is undone.
    """

    def __init__(self, model: type[M], path: Path, *, clock: Clock, journal: Callable[[SettingsChange], None]) -> None:
        self._model, self._path, self._clock, self._journal = model, path, clock, journal
        self._lock = threading.RLock()
        self._subscribers: list[Callable[[M, M], None]] = []
        self.problem: SettingsProblem | None = None
        self.current: M = model()
        self._text = ""
        self._load()

    @property
    def last_good(self) -> Path:
        """The copy of the last text that was validated and journalled."""
        return self._path.with_name(f"{self._path.stem}.last-good{self._path.suffix}")

    def set(self, changes: Mapping[str, object], *, who: str) -> M:
        """Change some settings, all or none.

        Args:
            changes: dotted path of a setting -> new value; None removes the key (the default holds again).
            who: for the journal.

        Raises:
            ConfigurationError: an unknown key or a value that is not allowed; nothing changed.
            OSError: the file can't be written; nothing changed.
        """
        with self._lock:
            known = {info.path for info in self.describe()}
            plain_changes: dict[str, Any] = {}
            for path, value in changes.items():
                if path not in known:
                    near = nearest_key(self._model, path)
                    hint = f'did you mean "{near}"?' if near else ""
                    raise ConfigurationError(f'unknown setting "{path}"', next=hint)
                plain_changes[path] = plain(value)
            return self._adopt(edit_text(self._text, plain_changes), who=who)

    def replace(self, text: str, *, who: str) -> M:
        """Take a whole settings text (an import, a restored backup).

        Raises:
            SettingsFileError: it can't be used; nothing changed.
        """
        with self._lock:
            return self._adopt(text, who=who)

    def reload(self) -> M:
        """Read the file again, as at start; subscribers are told if something changed."""
        with self._lock:
            old = self.current
            self._load()
            if self.current != old:
                self._tell(old, self.current)
            return self.current

    def subscribe(self, callback: Callable[[M, M], None]) -> Callable[[], None]:
        """Call `callback(old, new)` after each change, in the changer's thread. Returns the way to stop."""
        self._subscribers.append(callback)
        return lambda: self._subscribers.remove(callback) if callback in self._subscribers else None

    def describe(self) -> list[SettingInfo]:
        """Every setting with what pages, the CLI and the docs show of it, in the tree's order."""
        return describe(self._model, self.current)

    def export(self) -> str:
        """All settings as TOML, defaults included, with titles and units as comments; `replace` takes it back."""
        return export_text(self.describe())

    def schema(self) -> dict[str, Any]:
        """JSON schema (2020-12) of the tree; each setting's metadata is under its `meta`."""
        return self._model.model_json_schema()

    def _adopt(self, text: str, *, who: str) -> M:
        try:
            new = parse_settings(self._model, text.encode(), file="")
        except SettingsFileError as error:
            raise SettingsFileError(error.message, key=error.key, next=error.next) from None
        old, old_text = self.current, self._text
        changes = _difference(old, new)
        if self.problem is not None:
            self._keep_broken()
        write_atomic(self._path, text.encode(), mode=FILE_MODE)
        try:
            if changes:
                self._journal(SettingsChange(self._clock.utc(), who, changes))
        except BaseException:
            write_atomic(self._path, old_text.encode(), mode=FILE_MODE)
            raise
        write_atomic(self.last_good, text.encode(), mode=FILE_MODE)
        self.current, self._text, self.problem = new, text, None
        if changes:
            self._tell(old, new)
        return new

    def _keep_broken(self) -> None:
        """The broken file is somebody's work: keep it aside before it is replaced."""
        if self._path.is_file():
            aside = self._path.with_name(f"{self._path.stem}.broken{self._path.suffix}")
            write_atomic(aside, self._path.read_bytes()[:FILE_LIMIT], mode=FILE_MODE)

    def _load(self) -> None:
        good, good_text = self._read_last_good()
        try:
            data = _read_bounded(self._path)
            current = parse_settings(self._model, data, file=self._path.name) if data is not None else self._model()
        except (SettingsFileError, OSError) as error:
            self._fall_back(error, good, good_text)
            return
        text = (data or b"").decode()
        before = good if good is not None else self._model()
        changes = _difference(before, current)
        self.current, self._text, self.problem = current, text, None
        if text != (good_text or ""):
            self._remember(text, changes)

    def _remember(self, text: str, changes: Mapping[str, tuple[object, object]]) -> None:
        """A full disk must not keep a device from starting: what fails here is tried again at the next start."""
        try:
            if changes:
                self._journal(SettingsChange(self._clock.utc(), HAND, changes))
            write_atomic(self.last_good, text.encode(), mode=FILE_MODE)
        except (OSError, CamwardError) as error:
            log.warning("settings_edit_not_journalled", file=self._path.name, error=str(error))

    def _read_last_good(self) -> tuple[M | None, str | None]:
        try:
            data = _read_bounded(self.last_good)
            if data is None:
                return None, None
            return parse_settings(self._model, data, file=self.last_good.name), data.decode()
        except (SettingsFileError, OSError) as error:
            log.warning("settings_copy_unusable", file=self.last_good.name, error=str(error))
            return None, None

    def _fall_back(self, error: SettingsFileError | OSError, good: M | None, good_text: str | None) -> None:
        known = isinstance(error, SettingsFileError)
        reason = error.message if isinstance(error, SettingsFileError) else f"can't be read: {error.strerror or error}"
        used = "the last good settings are in use" if good is not None else "the defaults are in use"
        self.problem = SettingsProblem(
            file=self._path.name,
            line=error.line if isinstance(error, SettingsFileError) else 0,
            key=error.key if isinstance(error, SettingsFileError) else "",
            message=f"{reason}; {used}",
            since=self._clock.utc(),
        )
        self.current = good if good is not None else self._model()
        self._text = good_text or ""
        log.warning("settings_refused", file=self._path.name, line=self.problem.line, reason=reason, known=known)

    def _tell(self, old: M, new: M) -> None:
        for callback in tuple(self._subscribers):
            try:
                callback(old, new)
            except Exception:  # one part's failure to follow must not keep the others from it
                log.exception("settings_subscriber_failed")


def _difference(old: BaseModel, new: BaseModel) -> dict[str, tuple[object, object]]:
    before, after = leaf_values(old), leaf_values(new)
    return {path: (plain(before[path]), plain(after[path])) for path in before if before[path] != after[path]}


def _read_bounded(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(FILE_LIMIT + 1)
    except FileNotFoundError:
        return None
