"""Deadlines and bounds of the RTSP client."""

from __future__ import annotations

from dataclasses import dataclass

from camward.rtsp.core.depacketizer import DEPACKETIZER_LIMITS, DepacketizerLimits
from camward.rtsp.core.limits import MessageLimits
from camward.rtsp.core.reorder import REORDER_LIMITS, ReorderLimits
from camward.rtsp.core.timeline import TIMELINE_LIMITS, TimelineLimits

CLIENT_MESSAGES = MessageLimits(body=262_144)
"""Descriptions of some cameras are long."""


@dataclass(frozen=True, slots=True)
class ClientLimits:
    """Deadlines in seconds, and bounds.

    Args:
        connect: to a TCP connection and a TLS handshake.
        answer: from a request to its answer.
        stall: without any media.
        picture: without any picture that can be given on.
        report: between two receiver reports.
        redirects: followed.
        unexpected: interleaved frames for no track, in a row.
        tick: how often deadlines are looked at.
        unread: bytes of ours that the camera has not read.
        message: bounds of the server's messages.
        depacketizer: bounds of what is put together.
        timeline: what is believed of the server's time.
        reorder: how long UDP packets are waited for.
    """

    connect: float = 10.0
    answer: float = 10.0
    stall: float = 10.0
    picture: float = 45.0
    report: float = 5.0
    redirects: int = 3
    unexpected: int = 10_000
    tick: float = 1.0
    unread: int = 262_144
    message: MessageLimits = CLIENT_MESSAGES
    depacketizer: DepacketizerLimits = DEPACKETIZER_LIMITS
    timeline: TimelineLimits = TIMELINE_LIMITS
    reorder: ReorderLimits = REORDER_LIMITS


CLIENT_LIMITS = ClientLimits()
