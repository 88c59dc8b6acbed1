"""The camera book: entries in the settings tree, passwords in a file of secrets."""

from __future__ import annotations

import asyncio
import json
import re
import threading
import unicodedata
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from pydantic import ValidationError

from camward.base.errors import ConfigurationError
from camward.base.files import write_atomic
from camward.base.secret import Secret
from camward.recorder.errors import RecorderError, UnknownCameraError
from camward.recorder.settings import CameraEntry, CamerasSettings, RecordingSettings

ENTRIES = "cameras.entries"


class RecorderTree(Protocol):
    """The part of the settings tree that the recorder reads."""

    @property
    def recording(self) -> RecordingSettings:
        """How and how long."""
        ...

    @property
    def cameras(self) -> CamerasSettings:
        """From whom."""
        ...


class TreeStore(Protocol):
    """The settings store, as far as the recorder uses it."""

    @property
    def current(self) -> RecorderTree:
        """The settings in use."""
        ...

    def set(self, changes: Mapping[str, object], *, who: str) -> object:
        """See `SettingsStore.set`."""
        ...

    def subscribe(self, callback: Callable[[Any, Any], None]) -> Callable[[], None]:
        """See `SettingsStore.subscribe`."""
        ...


class CameraBook:
    """Who is recorded. Changes are durable, and journalled by the settings store, when they return.

    Args:
        settings: holds the entries.
        secrets: the file of passwords; made when the first one comes.

    Raises:
        RecorderError: the file of passwords is damaged.
    """

    def __init__(self, settings: TreeStore, secrets: Path) -> None:
        self._settings, self._path = settings, secrets
        self._lock = threading.Lock()
        self._passwords: dict[str, Secret[str]] = self._load()
        self.on_password: Callable[[], None] = lambda: None
        """Called, in the changer's thread, when only a password changed; the rest the settings store tells."""

    def list(self) -> dict[str, CameraEntry]:
        """Every camera by id, in the order in which they were added."""
        return dict(self._settings.current.cameras.entries)

    def get(self, camera_id: str) -> CameraEntry:
        """One camera.

        Raises:
            UnknownCameraError: there is none.
        """
        try:
            return self._settings.current.cameras.entries[camera_id]
        except KeyError:
            raise UnknownCameraError(camera_id) from None

    def password(self, camera_id: str) -> Secret[str] | None:
        """A camera's password, if it has one."""
        return self._passwords.get(camera_id)

    async def add(self, entry: CameraEntry, password: Secret[str] | None, *, who: str) -> str:
        """Put a camera into the book; returns its new id. See `Recorder.add_camera`, which tries it first.

        Raises:
            ConfigurationError: there are too many cameras.
            OSError: it can't be written.
        """
        return await asyncio.to_thread(self._add, entry, password, who)

    async def change(
        self, camera_id: str, changes: Mapping[str, object], *, who: str, password: Secret[str] | None = None
    ) -> CameraEntry:
        """Change some fields of an entry; `password` None leaves the password as it is.

        Raises:
            UnknownCameraError: there is none.
            ConfigurationError: an unknown field, or a value that is not allowed.
            OSError: it can't be written.
        """
        return await asyncio.to_thread(self._change, camera_id, changes, who, password)

    async def remove(self, camera_id: str, *, who: str) -> None:
        """Take a camera out of the book; its recordings stay until retention has them.

        Raises:
            UnknownCameraError: there is none.
            OSError: it can't be written.
        """
        await asyncio.to_thread(self._remove, camera_id, who)

    def _add(self, entry: CameraEntry, password: Secret[str] | None, who: str) -> str:
        with self._lock:
            entries = self.list()
            camera_id = _free_id(entry.name, entries)
            # The password first: an entry without one would be refused by the camera, and count as an attack there.
            if password is not None:
                self._save({**self._passwords, camera_id: password})
            self._settings.set({ENTRIES: {**entries, camera_id: entry}}, who=who)
            return camera_id

    def _change(
        self, camera_id: str, changes: Mapping[str, object], who: str, password: Secret[str] | None
    ) -> CameraEntry:
        with self._lock:
            old = self.get(camera_id)
            try:
                new = CameraEntry.model_validate({**old.model_dump(), **changes})
            except ValidationError as error:
                problem = error.errors(include_url=False, include_input=False)[0]
                where = ".".join(map(str, problem["loc"]))
                raise ConfigurationError(f'{camera_id}: "{where}" can\'t be used: {problem["msg"]}') from None
            if password is not None:
                self._save({**self._passwords, camera_id: password})
            if new != old:
                self._settings.set({ENTRIES: {**self.list(), camera_id: new}}, who=who)
            elif password is not None:
                self.on_password()
            return new

    def _remove(self, camera_id: str, who: str) -> None:
        with self._lock:
            self.get(camera_id)
            entries = {name: entry for name, entry in self.list().items() if name != camera_id}
            self._settings.set({ENTRIES: entries or None}, who=who)
            self._save({name: one for name, one in self._passwords.items() if name != camera_id})

    def _save(self, passwords: Mapping[str, Secret[str]]) -> None:
        document = {"version": 1, "passwords": {name: one.reveal() for name, one in passwords.items()}}
        write_atomic(self._path, json.dumps(document).encode(), mode=0o600)
        self._passwords = dict(passwords)

    def _load(self) -> dict[str, Secret[str]]:
        try:
            document = json.loads(self._path.read_bytes())
            return {str(name): Secret(str(one)) for name, one in document["passwords"].items()}
        except FileNotFoundError:
            return {}
        except (ValueError, TypeError, KeyError, AttributeError):
            raise RecorderError(
                f"{self._path.name} can't be read",
                why="it was changed by hand or the disk failed",
                next="remove it and enter the cameras' passwords again",
                code="SECRETS-DAMAGED",
            ) from None


def _free_id(name: str, taken: Mapping[str, object]) -> str:
    """ "Front door" is front-door, the second one front-door-2."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:26].strip("-") or "camera"
    number = 1
    while (found := slug if number == 1 else f"{slug}-{number}") in taken:
        number += 1
    return found
