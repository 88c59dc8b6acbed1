"""Fuzz target: whatever a camera answers, the client gives units or ends with one of its own errors, at once.

The input is what the camera sends; byte 0xFE in it stands for "three seconds later", so that deadlines, keep-alives
and reports are reached too, and the rest is cut into pieces there.
"""

from __future__ import annotations

import sys
from pathlib import Path

from camward.base.clock import NS, Utc
from camward.base.secret import Secret
from camward.media.unit import AccessUnit, Track
from camward.rtsp.core.client import ClientSession, Outputs
from camward.rtsp.core.client_address import Credentials, parse_address
from camward.rtsp.core.client_errors import RtspClientError
from camward.rtsp.core.errors import RtspError
from camward.rtsp.core.messages import MessageParser

ADDRESS = parse_address("rtsp://camera/stream")
LOGIN = Credentials("a", Secret("b"))
START = 1_760_000_000 * NS


def _ignore(what: object) -> None:
    """Not looked at."""


def TestOneInput(data: bytes) -> None:  # noqa: N802 (the name that the fuzzer calls)
    """One input; what the client says must be RTSP, and time never runs backwards for sound and events."""
    last = dict.fromkeys(Track, 0)

    def unit(found: AccessUnit) -> None:
        if found.track is not Track.VIDEO and not found.flags & 2:
            assert found.utc >= last[found.track] - NS
        last[found.track] = found.utc

    session = ClientSession(ADDRESS, Outputs(_ignore, unit, _ignore, _ignore), credentials=LOGIN)
    said, now, rest = MessageParser(), 0.0, b""
    session.start(now)
    try:
        for piece in data.split(b"\xfe"):
            view = memoryview(bytearray(rest + piece))
            used = session.receive(view, now=now, utc=Utc(START + round(now * NS)))
            assert 0 <= used <= len(view)
            rest = bytes(view[used:])
            view.release()  # raises if the session kept a part of it
            now += 3.0
            session.on_timeout(now, Utc(START + round(now * NS)))
    except (RtspError, RtspClientError) as error:
        assert error.diagnostics()
    session.close()
    for sent in session.to_send():
        said.receive(sent)
        assert said.next() is not None


TestOneInput.__test__ = False  # type: ignore[attr-defined]  # not a pytest test

if __name__ == "__main__":
    import atheris

    corpus = Path(__file__).parent / "corpus" / "rtsp_client"
    atheris.instrument_all()
    atheris.Setup([*sys.argv, str(corpus)], TestOneInput)
    atheris.Fuzz()
