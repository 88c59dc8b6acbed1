"""Fuzz target: any bytes as RTCP or RTP give packets or an `RtpError`; reports come back from what is built of them."""

from __future__ import annotations

import sys
from pathlib import Path

from camward.rtsp.core.errors import RtpError
from camward.rtsp.core.rtcp import (
    ReceiverReport,
    SenderReport,
    build_receiver_report,
    build_sender_report,
    parse_rtcp,
)
from camward.rtsp.core.rtp import parse_rtp


def TestOneInput(data: bytes) -> None:  # noqa: N802 (the name that the fuzzer calls)
    """One input."""
    try:
        packet = parse_rtp(data)
        assert 12 <= packet.begin <= packet.end <= len(data)
    except RtpError:
        pass
    try:
        packets = parse_rtcp(data)
    except RtpError:
        return
    for found in packets:
        if isinstance(found, ReceiverReport):
            assert parse_rtcp(build_receiver_report(found, cname="c"))[0] == found
        elif isinstance(found, SenderReport):
            assert parse_rtcp(build_sender_report(found, cname="c"))[0] == found
            _ = found.utc


TestOneInput.__test__ = False  # type: ignore[attr-defined]  # not a pytest test

if __name__ == "__main__":
    import atheris

    corpus = Path(__file__).parent / "corpus" / "rtcp"
    atheris.instrument_all()
    atheris.Setup([*sys.argv, str(corpus)], TestOneInput)
    atheris.Fuzz()
