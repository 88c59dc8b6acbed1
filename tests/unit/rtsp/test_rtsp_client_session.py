"""The client's session beside what the transcripts show: deadlines, keep-alives, reports, losses, limits."""

import struct
from dataclasses import dataclass, field, replace

import pytest

from camward.base.clock import NS, Utc
from camward.base.errors import ConfigurationError
from camward.media.unit import AccessUnit, Flags, Track
from camward.rtsp.core.client import ClientSession, Outputs
from camward.rtsp.core.client_address import parse_address
from camward.rtsp.core.client_errors import EndedError, RefusedByServerError, UnreachableError
from camward.rtsp.core.client_limits import CLIENT_LIMITS, ClientLimits
from camward.rtsp.core.client_tracks import RawAudio, rtp_info
from camward.rtsp.core.errors import RtspError
from camward.rtsp.core.messages import Interleaved, MessageParser, Request
from camward.rtsp.core.rtcp import (
    ReceiverReport,
    SenderReport,
    build_goodbye,
    build_sender_report,
    ntp_from_utc,
    parse_rtcp,
)

START = 1_760_000_000 * NS
SPS = bytes.fromhex("6764001facb3018024d080000003008000000a078c1934")
PPS = bytes.fromhex("68e9714b22c0")
IDR, SLICE = b"\x65\x88" + b"k" * 40, b"\x41\x9a" + b"p" * 40
SDP = """v=0
m=video 0 RTP/AVP 96
a=rtpmap:96 H264/90000
a=control:v
m=audio 0 RTP/AVP 8
a=control:a
"""


@dataclass
class Camera:
    """A session that is played to by hand."""

    limits: ClientLimits = CLIENT_LIMITS
    udp: bool = False
    timeout: int = 60
    public: str = ""
    raw: bool = False
    now: float = 0.0
    sequence: int = 65530
    units: list[AccessUnit] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)
    sounds: list[RawAudio] = field(default_factory=list)

    def __post_init__(self) -> None:
        outputs = Outputs(
            lambda form: None, self.units.append, self.losses.append, self.sounds.append if self.raw else None
        )
        ports = {track: (5000 + 2 * track, 5001 + 2 * track) for track in Track} if self.udp else None
        self.session = ClientSession(
            parse_address("rtsp://cam/x"), outputs, client_ports=ports, ssrc=99, limits=self.limits
        )
        self.parser = MessageParser()

    @property
    def utc(self) -> Utc:
        return Utc(START + round(self.now * NS))

    def hear(self, data: bytes) -> None:
        assert self.session.receive(memoryview(bytearray(data)), now=self.now, utc=self.utc) == len(data)

    def sent(self) -> list[Request | Interleaved]:
        found = []
        for data in self.session.to_send():
            self.parser.receive(data)
            while (message := self.parser.next()) is not None:
                found.append(message)
        return found

    def answer(self, *fields: str, status: int = 200, body: str = "") -> None:
        (request,) = [message for message in self.sent() if isinstance(message, Request)]
        head = [f"RTSP/1.0 {status} X", f"CSeq: {request.cseq}", *fields]
        if body:
            head.append(f"Content-Length: {len(body)}")
        self.hear(("\r\n".join([*head, "", ""]) + body).encode())

    def play(self) -> "Camera":
        self.session.start(self.now)
        self.answer(*([f"Public: {self.public}"] if self.public else []), body=SDP)
        for number in range(2 if self.raw else 1):
            way = f"TCP;unicast;interleaved={2 * number}-{2 * number + 1}"
            if self.udp:
                way = f"UDP;unicast;client_port={5000 + 2 * number}-{5001 + 2 * number};server_port=7000-7001"
            self.answer(f"Session: s;timeout={self.timeout}", f"Transport: RTP/AVP/{way}")
        self.answer()
        assert self.session.playing
        return self

    def packet(self, payload: bytes, seconds: float, *, marker: bool = False, kind: int = 96, ssrc: int = 7) -> bytes:
        head = struct.pack(">BBHII", 0x80, kind | marker << 7, self.sequence, round(seconds * 90_000), ssrc)
        self.sequence = self.sequence + 1 & 0xFFFF
        return head + payload

    def frame(self, data: bytes, *, channel: int = 0) -> bytes:
        return struct.pack(">BBH", 36, channel, len(data)) + data

    def picture(self, seconds: float, *, key: bool = False, ssrc: int = 7) -> None:
        self.now = seconds
        nals = [SPS, PPS, IDR] if key else [SLICE]
        for index, nal in enumerate(nals):
            self.hear(self.frame(self.packet(nal, seconds, marker=index == len(nals) - 1, ssrc=ssrc)))

    def tick(self, now: float) -> None:
        self.now = now
        self.session.on_timeout(now, self.utc)


def test_no_answer_is_unreachable() -> None:
    camera = Camera()
    camera.session.start(0.0)
    camera.tick(9.9)
    with pytest.raises(UnreachableError):
        camera.tick(10.0)


def test_a_stream_that_stops_is_noticed() -> None:
    camera = Camera().play()
    camera.picture(0.0, key=True)
    camera.picture(1.0)
    camera.tick(10.9)
    with pytest.raises(UnreachableError, match="nothing any more"):
        camera.tick(11.1)


def test_media_without_pictures_is_noticed() -> None:
    camera = Camera(limits=ClientLimits(picture=20)).play()
    with pytest.raises(UnreachableError, match="no whole picture"):
        for second in range(30):
            camera.picture(float(second))
            camera.tick(float(second))


@pytest.mark.parametrize(("public", "method"), [("", "GET_PARAMETER"), ("OPTIONS, DESCRIBE, PLAY", "OPTIONS")])
def test_keep_alive_in_time_with_a_method_that_the_camera_knows(public: str, method: str) -> None:
    camera = Camera(timeout=20, public=public).play()
    sent: list[str] = []
    for second in range(1, 22):
        camera.picture(float(second), key=True)
        camera.tick(float(second))
        requests = [message for message in camera.sent() if isinstance(message, Request)]
        sent += [request.method for request in requests]
        for request in requests:
            assert request.headers.get("Session") == "s"
            camera.hear(f"RTSP/1.0 200 OK\r\nCSeq: {request.cseq}\r\n\r\n".encode())
    assert sent == [method, method]


def test_a_camera_that_knows_no_parameters_is_asked_for_its_options() -> None:
    camera = Camera(timeout=20).play()
    camera.picture(9.0, key=True)
    camera.tick(10.0)
    camera.answer(status=501)
    camera.answer()
    camera.picture(19.0)
    camera.tick(20.0)
    assert [m.method for m in camera.sent() if isinstance(m, Request)] == ["OPTIONS"]


def test_a_session_that_the_camera_forgot_ends() -> None:
    camera = Camera(timeout=20).play()
    camera.picture(9.0, key=True)
    camera.tick(10.0)
    with pytest.raises(RefusedByServerError):
        camera.answer(status=454)


def test_receiver_reports_tell_losses_and_the_last_sender_report() -> None:
    camera = Camera().play()
    camera.picture(0.0, key=True)
    camera.picture(0.04)
    report = SenderReport(7, ntp_from_utc(START), 0)
    camera.hear(camera.frame(build_sender_report(report, cname="c"), channel=1))
    camera.sequence = camera.sequence + 4 & 0xFFFF
    camera.picture(0.08)
    camera.tick(2.0)
    frames = [message for message in camera.sent() if isinstance(message, Interleaved)]
    assert [frame.channel for frame in frames] == [1]
    told = parse_rtcp(frames[0].data)[0]
    assert isinstance(told, ReceiverReport)
    (block,) = told.blocks
    assert (told.ssrc, block.ssrc, block.lost) == (99, 7, 4)
    assert block.fraction_lost == 4 * 256 // 9
    assert block.highest == 65536 + 2
    assert block.last_report == report.ntp >> 16 & 0xFFFF_FFFF
    assert block.delay == round((2.0 - 0.04) * 65536)


def test_sender_reports_give_the_time_of_capture() -> None:
    camera = Camera().play()
    camera.picture(0.0, key=True)
    camera.hear(camera.frame(build_sender_report(SenderReport(7, ntp_from_utc(START - NS), 0), cname="c"), channel=1))
    for number in range(1, 1000):
        camera.picture(number * 0.04)
    assert abs(camera.units[-1].utc - (START - NS + round(999 * 0.04 * NS))) < 2


def test_a_goodbye_ends_the_stream() -> None:
    camera = Camera().play()
    camera.picture(0.0, key=True)
    with pytest.raises(EndedError):
        camera.hear(camera.frame(build_goodbye(7, cname="c"), channel=1))


def test_a_loss_is_told_and_costs_all_up_to_the_next_key_picture() -> None:
    camera = Camera().play()
    camera.picture(0.0, key=True)
    camera.picture(0.04)
    camera.sequence += 1
    camera.picture(0.08)
    camera.picture(0.12)
    camera.picture(0.16, key=True)
    assert len(camera.units) == 3
    assert camera.units[-1].flags == Flags.KEY | Flags.DISCONTINUITY
    assert camera.losses == ["1 packets lost"]
    assert camera.session.lost == 1


def test_a_sender_that_starts_anew_goes_on_with_a_key_picture() -> None:
    camera = Camera().play()
    camera.picture(0.0, key=True)
    camera.picture(0.04)
    camera.sequence = 400
    camera.picture(50.0, key=True, ssrc=8)
    camera.picture(50.04, ssrc=8)
    camera.picture(50.08, key=True, ssrc=8)
    assert [unit.key for unit in camera.units] == [True, False, True]
    assert Flags.DISCONTINUITY in camera.units[-1].flags
    ticks = [unit.ticks for unit in camera.units]
    assert ticks == sorted(ticks)


def test_g711_is_handed_on_where_it_is_wanted() -> None:
    camera = Camera(raw=True).play()
    camera.picture(0.0, key=True)
    camera.hear(camera.frame(camera.packet(b"\xd5" * 160, 0.02, kind=8, ssrc=5), channel=2))
    assert [(sound.encoding, sound.sample_rate, len(sound.data)) for sound in camera.sounds] == [("PCMA", 8000, 160)]


def test_by_udp_packets_are_put_in_order_and_bad_ones_cost_no_connection() -> None:
    camera = Camera(udp=True).play()
    assert camera.session.servers[Track.VIDEO].server_port == (7000, 7001)
    packets = [camera.packet(nal, 0.0, marker=nal is IDR) for nal in (SPS, PPS, IDR)]
    packets += [camera.packet(SLICE, number * 0.04, marker=True) for number in range(1, 6)]
    packets[3], packets[4] = packets[4], packets[3]
    packets.insert(2, b"rubbish-rubbish-rubbish")
    for data in packets:
        camera.session.datagram(Track.VIDEO, memoryview(data), control=False, now=0.0, utc=camera.utc)
    camera.session.datagram(Track.AUDIO, memoryview(b"not set up"), control=False, now=0.0, utc=camera.utc)
    camera.session.datagram(Track.VIDEO, memoryview(b"rubbish"), control=True, now=0.0, utc=camera.utc)
    assert [unit.ticks for unit in camera.units] == [0, 3600, 7200, 10800, 14400, 18000]
    camera.tick(2.0)
    ((track, data),) = camera.session.reports()
    assert track is Track.VIDEO
    assert isinstance(parse_rtcp(data)[0], ReceiverReport)


def test_rtp_over_tcp_that_is_none_ends_the_connection() -> None:
    camera = Camera().play()
    with pytest.raises(RtspError):
        camera.hear(camera.frame(b"\x00\x60" + bytes(20)))


def test_malformed_payloads_without_end_are_given_up() -> None:
    camera = Camera().play()
    with pytest.raises(RtspError, match="malformed"):
        for _ in range(1000):
            camera.hear(camera.frame(camera.packet(b"\x79\x00\x00\x00", 0.0)))


def test_frames_for_nobody_are_given_up_in_the_end() -> None:
    camera = Camera(limits=replace(ClientLimits(), unexpected=5)).play()
    with pytest.raises(RtspError, match="channels"):
        for _ in range(10):
            camera.hear(camera.frame(b"x" * 20, channel=9))


def test_farewell() -> None:
    camera = Camera().play()
    camera.session.close()
    (request,) = camera.sent()
    assert isinstance(request, Request)
    assert (request.method, request.uri, request.headers.get("Session")) == ("TEARDOWN", "rtsp://cam/x", "s")
    camera = Camera()
    camera.session.close()
    assert camera.sent() == []


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("url=rtsp://c/x/trackID=1;seq=9;rtptime=5, url=rtsp://c/x/trackID=2;seq=1;rtptime=7", {0: 5, 1: 7}),
        ("url=trackID=2;rtptime=7", {1: 7}),
        ("url=rtsp://c/other;rtptime=5;seq=2,url=rtsp://c/another;seq=1;rtptime=6", {0: 5, 1: 6}),
        ("url=rtsp://c/x/trackID=1;seq=9;rtptime=-5", {}),
        ("url=rtsp://c/x/trackID=1;seq=9", {}),
        ("url=rtsp://c/other;rtptime=5", {}),
        ("rubbish", {}),
        ("", {}),
    ],
)
def test_rtp_info(value: str, found: dict[int, int]) -> None:
    assert rtp_info(value, ["trackID=1", "trackID=2"]) == found


def test_addresses() -> None:
    address = parse_address("rtsps://us%40er:p%3Ass@[2001:db8::1]/a/b?c=d#e")
    assert (address.host, address.port, address.tls) == ("2001:db8::1", 322, True)
    assert address.url == "rtsps://[2001:db8::1]/a/b?c=d"
    assert address.credentials is not None
    assert (address.credentials.name, address.credentials.password.reveal()) == ("us@er", "p:ss")
    assert "p:ss" not in repr(address)
    assert parse_address("RTSP://cam").port == 554


@pytest.mark.parametrize(
    "url", ["", "http://cam/", "rtsp://", "rtsp://cam:x/", "rtsp://c/a b", "rtsp://[/", "cam:554/x"]
)
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(ConfigurationError):
        parse_address(url)
