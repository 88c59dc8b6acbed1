"""Pinned ranges: recordings that retention never deletes. Kept beside the recordings, for the index can be lost."""

from __future__ import annotations

import asyncio
import json
import threading
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import structlog

from camward.base.clock import Clock, Utc
from camward.base.files import write_atomic
from camward.recorder.errors import RecorderError

log = structlog.get_logger(__name__)

MOST = 10_000
TEXT_LIMIT = 500


@dataclass(frozen=True, slots=True)
class PinnedRange:
    """A range of one camera's recordings that stays.

    Args:
        id: names it.
        camera_id: the camera.
        from_utc: begin.
        to_utc: end.
        reason: why, for people.
        by: who pinned it.
        created: when.
    """

    id: str
    camera_id: str
    from_utc: Utc
    to_utc: Utc
    reason: str
    by: str
    created: Utc


class PinBook:
    """All pinned ranges. `protects` may be called from any thread.

    Raises:
        RecorderError: the file is damaged; retention must not run without knowing what is pinned.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path, self._clock = path, clock
        self._lock = threading.Lock()
        self._pins: tuple[PinnedRange, ...] = self._load()

    def list(self, camera_id: str | None = None) -> list[PinnedRange]:
        """Pinned ranges, of one camera or of all, by their beginnings."""
        chosen = [pin for pin in self._pins if camera_id in (None, pin.camera_id)]
        return sorted(chosen, key=lambda pin: pin.from_utc)

    async def pin(self, camera_id: str, from_utc: Utc, to_utc: Utc, *, reason: str, by: str) -> PinnedRange:
        """Keep a range until it is unpinned; durable when this returns.

        Raises:
            RecorderError: the range is empty, or there are too many.
            OSError: it can't be written.
        """
        if from_utc >= to_utc:
            raise RecorderError("A range to keep must end after it begins", code="PIN-RANGE")
        if len(self._pins) >= MOST:
            raise RecorderError(f"There are {MOST} pinned ranges already", next="unpin some", code="PIN-MANY")
        pin = PinnedRange(
            uuid.uuid4().hex, camera_id, from_utc, to_utc, reason[:TEXT_LIMIT], by[:TEXT_LIMIT], self._clock.utc()
        )
        await asyncio.to_thread(self._change, lambda pins: (*pins, pin))
        return pin

    async def unpin(self, pin_id: str) -> PinnedRange:
        """Let retention have a range.

        Raises:
            RecorderError: there is no such pin.
            OSError: it can't be written.
        """
        found = next((pin for pin in self._pins if pin.id == pin_id), None)
        if found is None:
            raise RecorderError("There is no such pinned range", code="UNKNOWN-PIN")
        await asyncio.to_thread(self._change, lambda pins: tuple(pin for pin in pins if pin.id != pin_id))
        return found

    def protects(self, camera_id: str, from_utc: int, to_utc: int) -> bool:
        """Whether any part of a stretch is pinned."""
        return any(pin.camera_id == camera_id and pin.from_utc < to_utc and from_utc < pin.to_utc for pin in self._pins)

    def _change(self, change: Callable[[tuple[PinnedRange, ...]], tuple[PinnedRange, ...]]) -> None:
        with self._lock:
            pins = change(self._pins)
            document = {"version": 1, "pins": [asdict(pin) for pin in pins]}
            write_atomic(self._path, json.dumps(document, indent=1).encode())
            self._pins = pins

    def _load(self) -> tuple[PinnedRange, ...]:
        try:
            document = json.loads(self._path.read_bytes())
            return tuple(PinnedRange(**pin) for pin in document["pins"])
        except FileNotFoundError:
            return ()
        except (ValueError, TypeError, KeyError) as error:
            raise RecorderError(
                f"{self._path.name} can't be read: {error}",
                why="it was changed by hand or the disk failed",
                next="put it right, or remove it if nothing has to stay pinned",
                code="PINS-DAMAGED",
            ) from None
