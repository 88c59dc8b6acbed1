"""What every depacketizer does, what it may hold, and its one error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from camward.media.unit import Flags
from camward.rtsp.core.errors import RtspError

Emit = Callable[[int, bytes, Flags], None]
"""Gets each unit: its RTP timestamp, its bytes, its flags."""


class PayloadError(RtspError):
    """The payload of an RTP packet breaks its format's rules or one of our limits."""

    code = "RTSP-PAYLOAD"


@dataclass(frozen=True, slots=True)
class DepacketizerLimits:
    """Limits of what is put together.

    Args:
        unit: bytes of one picture.
        nals: NAL units of one picture.
        sample: bytes of one audio frame or metadata document.
    """

    unit: int = 16 * 1024 * 1024
    nals: int = 4096
    sample: int = 1024 * 1024


LIMITS = DepacketizerLimits()


class Depacketizer(Protocol):
    """Puts units together from the payloads of one track's packets, which come in order.

    A unit is given on exactly as it was sent or not at all.
    """

    def packet(self, payload: memoryview, timestamp: int, *, marker: bool) -> None:
        """Take the payload of the next packet. It need not live longer than the call.

        Raises:
            PayloadError: the payload is malformed. Call `lost` then.
        """
        ...

    def lost(self) -> None:
        """Packets are missing here."""
        ...
