"""RTSP messages as peers send them, and what is refused."""

import pytest

from camward.rtsp.core.errors import MessageError
from camward.rtsp.core.headers import Headers, SessionHeader
from camward.rtsp.core.limits import MessageLimits
from camward.rtsp.core.messages import Interleaved, MessageParser, Request, Response
from camward.rtsp.core.target import parse_target
from camward.rtsp.core.transport import Transport, parse_transports


def read(data: bytes, limits: MessageLimits = MessageLimits()) -> list[object]:
    parser = MessageParser(limits)
    parser.receive(data)
    found = []
    while (message := parser.next()) is not None:
        found.append(message)
    return found


def test_messages_and_frames_in_one_stream() -> None:
    request = Request("GET_PARAMETER", "rtsp://camera/stream1", Headers(("CSeq", "5"), ("Session", "a")), b"jitter\r\n")
    response = Response(200, Headers(("CSeq", "6")), b"", "OK")
    data = request.serialise() + b"$\x01\x00\x03abc" + b"\r\n\r\n" + response.serialise() + b"$\x00\x00\x00"
    first, frame, second, empty = read(data)
    assert (first.method, first.cseq, first.body) == ("GET_PARAMETER", 5, b"jitter\r\n")
    assert first.headers.get("content-length") == "8"
    assert frame == Interleaved(1, b"abc") and empty == Interleaved(0, b"")
    assert (second.status, second.cseq, second.reason) == (200, 6, "OK")


@pytest.mark.parametrize(
    "data",
    [
        b"RTSP/1.0 200 OK\nCSeq: 2\nPublic: A,\n B\n\n",  # bare LF, a folded line
        b"RTSP/1.0 200\r\nCSeq : 2\r\nPublic:A, B\r\n\r\n",  # no reason, a space before the colon, none behind it
        b"\r\n\r\nRTSP/1.0  200  OK \r\ncseq: 2\r\nPUBLIC: A, B  \r\n\r\n",
    ],
)
def test_what_cameras_send_is_understood(data: bytes) -> None:
    (response,) = read(data)
    assert response.status == 200 and response.cseq == 2 and response.headers.get("Public") == "A, B"


def test_headers_keep_order_and_show_no_values() -> None:
    headers = Headers(("WWW-Authenticate", "Digest a"), ("www-authenticate", "Basic b"))
    assert headers.all("WWW-AUTHENTICATE") == ["Digest a", "Basic b"]
    assert "Digest a" not in repr(headers) and "Www-Authenticate" in headers
    assert len(headers.adding(("CSeq", "1"))) == 3


@pytest.mark.parametrize("value", ["a\r\nX: b", "a\nb", "a\rb"])
def test_a_line_break_can_t_be_smuggled_into_a_message(value: str) -> None:
    with pytest.raises(ValueError, match="line break"):
        Response(200, Headers(("X", value))).serialise()


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"HELLO\r\n", 400),
        (b"OPTIONS * RTSP/1.0\r\nno colon\r\n\r\n", 400),
        (b"OPTIONS * RTSP/1.0\r\n: empty\r\n\r\n", 400),
        (b"OPTIONS * RTSP/1.0\r\nX: a\x01\r\n\r\n", 400),
        (b"OPTIONS * RTSP/1.0\r\nX: a\rb\r\n\r\n", 400),
        (b"X * RTSP/1.0\r\nContent-Length: 11\r\n\r\n", 413),
        (b"X * RTSP/1.0\r\nContent-Length: +1\r\n\r\n", 400),
        (b"X * RTSP/1.0\r\nContent-Length: 1\r\ncontent-length: 2\r\n\r\n", 400),
        (b"X " + b"a" * 100, 414),
        (b"X * RTSP/1.0\r\nA: " + b"a" * 100, 400),
        (b"X * RTSP/1.0\r\nA: a\r\n" + b" more of it\r\n" * 10, 400),
        (b"X * RTSP/1.0\r\n" + b"A: a\r\n" * 5, 400),
        (b"\r\n" * 100, 400),
    ],
)
def test_broken_or_oversized_messages(data: bytes, status: int) -> None:
    limits = MessageLimits(start_line=80, header_line=80, headers=4, body=10)
    with pytest.raises(MessageError) as caught:
        read(data, limits)
    assert caught.value.status == status


def test_what_is_held_is_bounded_by_what_is_missing() -> None:
    parser = MessageParser()
    for _ in range(1000):
        parser.receive(b"$\x00\x03\xe8" + bytes(1000))
        assert isinstance(parser.next(), Interleaved) and parser.next() is None
    assert parser.pending == 0


def test_transports() -> None:
    offers = parse_transports(
        'RTP/AVP/TCP;unicast;interleaved=2-3;mode="PLAY",RTP/AVP;unicast;client_port=5000,RAW/RAW/UDP;unicast,'
        "RTP/SAVP;multicast;ssrc=1A2B3C4D;source=10.0.0.1;server_port=7000-7001"
    )
    assert offers[0] == Transport("tcp", interleaved=(2, 3))
    assert offers[1] == Transport("udp", client_port=(5000, 5001))
    assert offers[2].profile == "RTP/SAVP" and offers[2].multicast and offers[2].server_port == (7000, 7001)
    assert offers[2].ssrc == "1A2B3C4D" and offers[2].source == "10.0.0.1"
    assert Transport.parse(offers[0].serialise()) == offers[0]
    assert not Transport.parse("RTP/AVP;unicast;mode=RECORD").play
    with pytest.raises(MessageError):
        parse_transports("RTP/AVP/TCP;interleaved=300-301")
    with pytest.raises(MessageError):
        parse_transports(",".join(["RTP/AVP"] * 17))


def test_session_header() -> None:
    assert SessionHeader.parse("abc; timeout = 30") == SessionHeader("abc", 30)
    assert SessionHeader.parse("abc;timeout=x") == SessionHeader("abc", 60)
    assert SessionHeader("abc", 5).serialise() == "abc;timeout=5"
    with pytest.raises(MessageError):
        SessionHeader.parse(";timeout=5")


@pytest.mark.parametrize(
    ("uri", "stream", "track"),
    [
        ("rtsp://camera/stream1", "stream1", None),
        ("rtsps://user:word@camera:8554/stream2/", "stream2", None),
        ("rtsp://[::1]:554/stream1/trackID=1", "stream1", 1),
        ("rtsp://camera/stream1?a=b/trackID=2", "stream1", 2),
        ("rtsp://camera/stream1/?a=b&trackID=0/", "stream1", 0),
        ("rtsp://camera/", "", None),
        ("*", "", None),
    ],
)
def test_targets(uri: str, stream: str, track: int | None) -> None:
    target = parse_target(uri)
    assert (target.stream, target.track) == (stream, track)
    assert "word" not in target.base and "?" not in target.base


@pytest.mark.parametrize(
    "uri", ["http://camera/stream1", "stream1", "rtsp:///a", "rtsp://camera/a/trackID=7", "rtsp://[x/"]
)
def test_no_targets(uri: str) -> None:
    assert parse_target(uri) is None
