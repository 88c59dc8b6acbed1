"""RTP and RTCP packets: read, built, refused when cut off."""

import pytest

from camward.base.clock import NS
from camward.rtsp.core.errors import RtpError
from camward.rtsp.core.rtcp import (
    Goodbye,
    ReceiverReport,
    ReportBlock,
    SenderReport,
    SourceDescription,
    build_goodbye,
    build_receiver_report,
    build_sender_report,
    ntp_from_utc,
    parse_rtcp,
    utc_from_ntp,
)
from camward.rtsp.core.rtp import build_header, parse_rtp


def test_a_packet_with_everything() -> None:
    header = build_header(payload_type=96, sequence=65537, timestamp=2**32 + 5, ssrc=7, marker=True)
    plain = parse_rtp(header + b"payload")
    assert (plain.marker, plain.payload_type, plain.sequence, plain.timestamp, plain.ssrc) == (True, 96, 1, 5, 7)
    assert bytes(plain.payload) == b"payload"
    csrc, extension, padding = bytes(8), b"\xbe\xde\x00\x01abcd", b"\x00\x00\x03"
    full = parse_rtp(bytes((header[0] | 0x32,)) + header[1:] + csrc + extension + b"payload" + padding)
    assert bytes(full.payload) == b"payload"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(12),  # version 0
        b"\x80" + bytes(10),
        b"\x8f" + bytes(11),  # 15 sources, none there
        b"\x90" + bytes(11) + b"\xbe\xde\x00\x05",  # the extension is longer than the packet
        b"\xa0" + bytes(11) + b"\x00",  # padding of nothing
        b"\xa0" + bytes(11) + b"\x05",  # padding of more than there is
    ],
)
def test_broken_packets(data: bytes) -> None:
    with pytest.raises(RtpError):
        parse_rtp(data)


def test_compound_packets_come_back() -> None:
    block = ReportBlock(1, 10, -3, 70_000, 5, 6, 7)
    sender = SenderReport(9, ntp_from_utc(1_760_000_000 * NS + 123_456_789), 42, 3, 4, (block,))
    assert parse_rtcp(build_sender_report(sender, cname="c@d")) == [sender, SourceDescription(9, "c@d")]
    assert sender.utc == 1_760_000_000 * NS + 123_456_789
    receiver = ReceiverReport(9, (block, block))
    unknown = b"\x80\xcc\x00\x02abcdefgh"  # APP: left out
    assert parse_rtcp(unknown + build_receiver_report(receiver, cname="é"))[0] == receiver
    assert parse_rtcp(build_goodbye(9, cname="c"))[-1] == Goodbye((9,))


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\xc8",
        b"\x80\xc8\x00\x00",  # a sender report without a body
        b"\x81\xc9\x00\x01abcd",  # one block said, none there
        b"\x80\xc9\x00\x09abcd",  # longer than the data
        b"\x40\xc9\x00\x01abcd",  # version 1
        b"\x80\x60\x00\x01abcd",  # RTP
        b"\x83\xcb\x00\x01abcd",  # three sources said
        b"\x81\xca\x00\x02abcd\x01\xffab",  # a name longer than the packet
        b"\x80\xc9\x00\x01abcd" * 40,
    ],
)
def test_broken_reports(data: bytes) -> None:
    with pytest.raises(RtpError):
        parse_rtcp(data)


@pytest.mark.parametrize(
    "utc", [0, 1, NS - 1, 1_760_000_000 * NS + 999_999_999, 2_085_978_496 * NS, 2_500_000_000 * NS + 7]
)
def test_ntp_time_is_exact_and_survives_2036(utc: int) -> None:
    assert utc_from_ntp(ntp_from_utc(utc)) == utc
