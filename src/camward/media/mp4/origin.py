"""The origin box: who made a recorded file, in the file itself; it never changes after the file is opened."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from uuid import UUID

from camward.base.clock import Utc
from camward.media.mp4.boxes import Mp4Error, uuid_box

USER_TYPE = UUID("0a0f92d9-74f5-546e-977a-89e24e74ee70").bytes
VERSION = 1
STRING_LIMIT = 256
"""Bytes of each string, in UTF-8."""
LIMIT = 1 << 63
"""Epoch, sequence and time are below this: the index keeps them as signed numbers."""

_FIXED = struct.Struct(">BBHQQQ16s")
_HAS_KEY = 1


@dataclass(frozen=True, slots=True)
class Origin:
    """Who made a file. Nothing else is needed to rebuild an index from files.

    Args:
        camera_id: the camera whose pictures these are.
        recorder_id: the device that wrote the file.
        epoch: fencing epoch: of two recorders that believe to own a camera, the higher one is right.
        sequence: write order within camera and epoch.
        first_utc: capture time of the first picture, nanoseconds.
        stream: "stream1" or "stream2".
        key_id: the content key's id (16 bytes), None for a file that isn't encrypted.
    """

    camera_id: str
    recorder_id: str
    epoch: int
    sequence: int
    first_utc: Utc
    stream: str = "stream1"
    key_id: bytes | None = None

    def to_box(self) -> bytes:
        """The whole `uuid` box.

        Raises:
            Mp4Error: a string is too long or a number doesn't fit.
        """
        if self.key_id is not None and len(self.key_id) != 16:
            raise Mp4Error("A key id has 16 bytes")
        numbers = (self.epoch, self.sequence, self.first_utc)
        if not all(0 <= number < LIMIT for number in numbers):
            raise Mp4Error("A number of the origin box is too large")
        flags = 0 if self.key_id is None else _HAS_KEY
        fixed = _FIXED.pack(VERSION, flags, 0, *numbers, self.key_id or bytes(16))
        return uuid_box(USER_TYPE, fixed, *map(_string, (self.camera_id, self.recorder_id, self.stream)))

    @classmethod
    def from_payload(cls, payload: bytes) -> Origin:
        """Read what follows the 16 bytes of the user type; bytes after the last string are left for later versions.

        Raises:
            Mp4Error: cut off, of an unknown version, or a string or a number is bad.
        """
        if len(payload) < _FIXED.size:
            raise Mp4Error("The origin box is cut off")
        version, flags, _, epoch, sequence, first_utc, key_id = _FIXED.unpack_from(payload)
        if version != VERSION:
            raise Mp4Error(f"The origin box has version {version}, this software knows {VERSION}")
        if max(epoch, sequence, first_utc) >= LIMIT:
            raise Mp4Error("A number of the origin box is too large")
        texts: list[str] = []
        position = _FIXED.size
        for _ in range(3):
            begin = position + 2
            position = begin + int.from_bytes(payload[begin - 2 : begin], "big")
            if begin > len(payload) or position > len(payload) or position - begin > STRING_LIMIT:
                raise Mp4Error("The origin box is cut off")
            try:
                texts.append(payload[begin:position].decode())
            except UnicodeDecodeError as error:
                raise Mp4Error("A string of the origin box isn't UTF-8") from error
        camera, recorder, stream = texts
        return cls(camera, recorder, epoch, sequence, Utc(first_utc), stream, key_id if flags & _HAS_KEY else None)


def _string(text: str) -> bytes:
    try:
        raw = text.encode()
    except UnicodeEncodeError as error:
        raise Mp4Error("A string of the origin box can't be written as UTF-8") from error
    if len(raw) > STRING_LIMIT:
        raise Mp4Error(f"A string of the origin box is longer than {STRING_LIMIT} bytes")
    return len(raw).to_bytes(2, "big") + raw
