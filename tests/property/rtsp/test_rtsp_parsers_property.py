"""Any bytes give a result or the room's own error; pieces give what the whole gives; what is built is read back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camward.base.clock import Utc
from camward.media.nal import join_length_prefixed
from camward.media.unit import AccessUnit, StreamFormat, Track, VideoFormat
from camward.rtsp.core.errors import MessageError, RtspError
from camward.rtsp.core.headers import Headers
from camward.rtsp.core.limits import MessageLimits
from camward.rtsp.core.messages import Interleaved, MessageParser, Request, Response
from camward.rtsp.core.packetizer import PACKET, SEND, StreamPacketizer
from camward.rtsp.core.rtcp import ReceiverReport, ReportBlock, build_receiver_report, parse_rtcp
from camward.rtsp.core.rtp import parse_rtp
from camward.rtsp.core.sdp import parse_sdp
from camward.rtsp.core.server import Asked, ServerDialog, ServerDialogLimits
from camward.rtsp.core.target import parse_target
from camward.rtsp.core.transport import parse_transports

LIMITS = MessageLimits(start_line=60, header_line=40, headers=4, body=30, blank_lines=3)
PIECES = [
    b"OPTIONS * RTSP/1.0\r\n",
    b"RTSP/1.0 200 OK\n",
    b"CSeq: 3\r\n",
    b"Content-Length: 5\r\n",
    b" folded\r\n",
    b"\r\n",
    b"\n",
    b"hello",
    b"$\x01\x00\x04abcd",
    b"$\x00",
]
streams = st.lists(st.sampled_from(PIECES) | st.binary(max_size=12), max_size=12).map(b"".join)
words = st.text(st.characters(min_codepoint=33, max_codepoint=126, blacklist_characters=":"), min_size=1, max_size=12)


def read(pieces: list[bytes]) -> list[object]:
    parser, found = MessageParser(LIMITS), []
    try:
        for piece in pieces:
            parser.receive(piece)
            while (message := parser.next()) is not None:
                found.append(message)
    except MessageError as error:
        found.append(error.status)
    return found


@given(streams)
def test_byte_by_byte_is_the_whole(data: bytes) -> None:
    assert read([data]) == read([data[index : index + 1] for index in range(len(data))])


@given(
    st.lists(
        st.builds(Interleaved, st.integers(0, 255), st.binary(max_size=50))
        | st.builds(
            lambda number, body: Request("PLAY", "rtsp://c/s", Headers(("CSeq", str(number))), body),
            st.integers(0, 10**6),
            st.binary(max_size=30),
        ),
        max_size=8,
    ),
    st.integers(1, 40),
)
def test_messages_come_back(messages: list[Request | Interleaved], step: int) -> None:
    data = b"".join(
        m.serialise() if isinstance(m, Request) else b"$%c" % m.channel + len(m.data).to_bytes(2, "big") + m.data
        for m in messages
    )
    found = read([data[index : index + step] for index in range(0, len(data), step)])
    assert len(found) == len(messages)
    for one, other in zip(messages, found, strict=True):
        if isinstance(one, Request):
            assert (one.method, one.cseq, one.body) == (other.method, other.cseq, other.body)
        else:
            assert one == other


@given(streams)
def test_a_dialog_answers_or_asks_and_never_raises(data: bytes) -> None:
    dialog = ServerDialog(ServerDialogLimits(message=LIMITS), 0.0)
    dialog.receive(data, 0.0)
    while (found := dialog.next()) is not None:
        if isinstance(found, Asked):
            dialog.answer(found.request, Response(200))
    assert all(isinstance(message, Response) for message in _all(dialog.to_send()))


def _all(data: bytes) -> list[object]:
    parser, found = MessageParser(), []
    parser.receive(data)
    while (message := parser.next()) is not None:
        found.append(message)
    return found


@pytest.mark.parametrize("parse", [parse_rtp, parse_rtcp, parse_sdp])
@given(data=st.binary(max_size=200))
def test_any_bytes(parse, data: bytes) -> None:
    try:
        parse(data)
    except RtspError:
        pass


@given(st.binary(max_size=64).map(lambda rest: b"\x81\xc9" + bytes((0, len(rest) // 4)) + rest))
def test_any_report(data: bytes) -> None:
    try:
        parse_rtcp(data)
    except RtspError:
        pass


@given(st.lists(st.tuples(st.sampled_from("vsmac"), st.text(max_size=30)), max_size=20))
def test_any_description(lines: list[tuple[str, str]]) -> None:
    text = "v=0\n" + "\n".join(f"{key}={value}" for key, value in lines)
    for media in parse_sdp(text).media:
        assert media.clock_rate > 0 and media.payload_type < 128
        _ = (media.track, media.parameter_sets, media.video_format(), media.audio_format())


@given(st.text(max_size=80))
def test_any_url_and_transport(text: str) -> None:
    parse_target(text)
    try:
        parse_transports(text)
    except MessageError:
        pass


@given(
    st.lists(
        st.builds(ReportBlock, *[st.integers(0, 2**32 - 1), st.integers(0, 255), st.integers(-(2**23), 2**23 - 1)]),
        max_size=31,
    ),
    words,
)
def test_reports_come_back(blocks: list[ReportBlock], cname: str) -> None:
    report = ReceiverReport(5, tuple(blocks))
    assert parse_rtcp(build_receiver_report(report, cname=cname))[0] == report


@given(
    st.sampled_from(["h264", "h265"]),
    st.lists(
        st.integers(2, 5000) | st.sampled_from([1383, 1384, 1385, 1386, 1387, 1388, 1389, 1390]), min_size=1, max_size=8
    ),
    st.integers(0, 2**40),
)
def test_every_byte_is_in_the_packets_in_order(codec, sizes: list[int], ticks: int) -> None:
    nals = [bytes((0x41, 1)) + bytes(index % 251 for index in range(size - 2)) for size in sizes]
    packetizer = StreamPacketizer(cname="test")
    packetizer.set_format(StreamFormat(VideoFormat(codec, 64, 64, ())))
    unit = packetizer.packetize(AccessUnit(Track.VIDEO, ticks, Utc(0), join_length_prefixed(nals)))
    packets = [head + bytes(piece) for head, piece in unit.packets]
    assert all(len(data) <= PACKET for data in packets)
    assert [parse_rtp(data).marker for data in packets] == [False] * (len(packets) - 1) + [True]
    assert all(parse_rtp(data).timestamp == (ticks + packetizer.base) % 2**32 for data in packets)
    assert b"".join(b"".join(_parts(codec, bytes(parse_rtp(data).payload))) for data in packets) == b"".join(nals)
    assert b"".join(run for run, _ in unit.runs) == b"".join(packets)
    for run, size in unit.runs:
        assert len(run) <= SEND and len(run) > size * (len(run) // size - 1)
    frames = _all(unit.frame(2 << 8 | 3))
    assert [frame.data for frame in frames if frame.channel == 2] == packets


def _parts(codec: str, payload: bytes) -> list[bytes]:
    """The NAL units, or the piece of one, in a payload: an independent reading of RFC 6184 and RFC 7798."""
    kind, head = (payload[0] & 31, 1) if codec == "h264" else (payload[0] >> 1 & 63, 2)
    if kind in (24, 48):
        found, position = [], head
        while position < len(payload):
            size = int.from_bytes(payload[position : position + 2], "big")
            found.append(payload[position + 2 : position + 2 + size])
            position += 2 + size
        return found
    if kind in (28, 49):
        if not payload[head] & 0x80:
            return [payload[head + 1 :]]
        first = (
            bytes((payload[0] & 0xE0 | payload[1] & 31,))
            if codec == "h264"
            else bytes((payload[0] & 0x81 | (payload[2] & 63) << 1, payload[1]))
        )
        return [first + payload[head + 1 :]]
    return [payload]
