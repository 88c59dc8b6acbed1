"""Payloads that are samples as they are: Opus (RFC 7587), G.711 (RFC 3551 4.5.14), ONVIF metadata."""

from __future__ import annotations

from camward.media.unit import Flags
from camward.rtsp.core.depacketizer.contract import LIMITS, DepacketizerLimits, Emit, PayloadError


class PacketDepacketizer:
    """One packet is one audio frame (Opus), or a run of samples (G.711). See `Depacketizer`.

    Args:
        emit: gets each payload.
    """

    def __init__(self, *, emit: Emit) -> None:
        self._emit = emit
        self._gap = True

    def packet(self, payload: memoryview, timestamp: int, *, marker: bool) -> None:
        """See `Depacketizer.packet`. The marker starts a talk spurt; that is no concern here."""
        if not payload:
            return
        flags = Flags.KEY | Flags.DISCONTINUITY if self._gap else Flags.KEY
        self._gap = False
        self._emit(timestamp, bytes(payload), flags)

    def lost(self) -> None:
        """See `Depacketizer.lost`."""
        self._gap = True


class DocumentDepacketizer:
    """Documents in any number of packets; the marker ends one (ONVIF Streaming 5.1.2.1.1). See `Depacketizer`.

    Args:
        emit: gets each document.
    """

    def __init__(self, *, emit: Emit, limits: DepacketizerLimits = LIMITS) -> None:
        self._emit, self._limits = emit, limits
        self._begun = bytearray()
        self._timestamp = -1
        self._spoilt = False
        self._gap = True

    def packet(self, payload: memoryview, timestamp: int, *, marker: bool) -> None:
        """See `Depacketizer.packet`."""
        if timestamp != self._timestamp:
            if self._begun and not self._spoilt:
                self._give()
            self._begun.clear()
            self._spoilt = self._spoilt and self._timestamp < 0
            self._timestamp = timestamp
        if len(self._begun) + len(payload) > self._limits.sample:
            raise PayloadError("A metadata document is too large")
        if not self._spoilt:
            self._begun += payload
        if marker:
            if self._begun and not self._spoilt:
                self._give()
            self._begun.clear()
            self._spoilt = False

    def _give(self) -> None:
        flags = Flags.KEY | Flags.DISCONTINUITY if self._gap else Flags.KEY
        self._gap = False
        self._emit(self._timestamp, bytes(self._begun), flags)

    def lost(self) -> None:
        """See `Depacketizer.lost`: what is missing may be the beginning of the present document."""
        self._begun.clear()
        self._spoilt = self._gap = True
        self._timestamp = -1
