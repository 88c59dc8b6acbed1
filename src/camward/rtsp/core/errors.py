"""What a peer can do wrong in RTSP.

ProtocolError
└── RtspError               any broken rule or limit, in any of the protocols of this room
    ├── RefusedError        a request that is answered with an error; the connection goes on
    ├── MessageError        a request or response; has the status to answer it with
    ├── SdpError            a session description
    └── RtpError            an RTP or RTCP packet
"""

from __future__ import annotations

from camward.base.errors import ProtocolError


class RtspError(ProtocolError):
    """A peer broke a rule of RTSP, SDP, RTP or RTCP, or one of our limits."""

    code = "RTSP"


class MessageError(RtspError):
    """A message can't be read; the connection can't go on.

    Args:
        what: what happened.
        status: the RTSP status that says so to a client.
    """

    code = "RTSP-MESSAGE"

    def __init__(self, what: str, *, status: int = 400, why: str = "", next: str = "") -> None:
        super().__init__(what, why=why, next=next)
        self.status = status


class RefusedError(RtspError):
    """A request that is answered with an error; the connection goes on.

    Args:
        status: of the answer.
        what: why.
        fields: further header fields of the answer.
    """

    code = "RTSP-REFUSED"

    def __init__(self, status: int, what: str, *fields: tuple[str, str]) -> None:
        super().__init__(what)
        self.status = status
        self.fields = fields


class SdpError(RtspError):
    """A session description can't be used."""

    code = "RTSP-SDP"


class RtpError(RtspError):
    """An RTP or RTCP packet can't be read."""

    code = "RTSP-RTP"
