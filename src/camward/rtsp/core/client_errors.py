"""How a connection to a camera ends.

RtspClientError
├── UnreachableError     (NotReachableError)  no answer, or the stream stopped
│   └── EndedError                            the server ended the stream
├── RefusedByServerError (NotPermittedError)  it answered and refused: password, path, transport
│   └── OtherDeviceError                      its certificate is not that of the pinned device, or not trusted
└── AnswerError          (RtspError)          what it answered can't be used
"""

from __future__ import annotations

from camward.base.errors import CamwardError, NotPermittedError, NotReachableError
from camward.rtsp.core.errors import RtspError


class RtspClientError(CamwardError):
    """A connection to a camera ended."""

    code = "RTSP-CLIENT"


class UnreachableError(RtspClientError, NotReachableError):
    """No answer within the deadline, or no media any more."""

    code = "RTSP-UNREACHABLE"


class EndedError(UnreachableError):
    """The server ended the stream or the connection."""

    code = "RTSP-ENDED"


class RefusedByServerError(RtspClientError, NotPermittedError):
    """The server answered and refused.

    Args:
        what: what happened.
        status: its RTSP status; 0 when the refusal is ours (a password that would go out readable, say).
    """

    code = "RTSP-REFUSED-BY-SERVER"

    def __init__(self, what: str, *, status: int = 0, why: str = "", next: str = "") -> None:
        super().__init__(what, why=why, next=next)
        self.status = status


class OtherDeviceError(RefusedByServerError):
    """The peer is another device than the pinned one, or its certificate is not trusted."""

    code = "RTSP-OTHER-DEVICE"


class AnswerError(RtspClientError, RtspError):
    """The server's answers can't be used."""

    code = "RTSP-ANSWER"
