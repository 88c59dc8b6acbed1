"""Whatever happens on the way, a unit comes out exactly as it was sent or not at all; garbage gives our own error."""

import random
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camward.base.clock import NS, Utc
from camward.media.nal import join_length_prefixed
from camward.media.unit import AccessUnit, Flags, StreamFormat, Track, VideoFormat
from camward.rtsp.core.client import ClientSession, Outputs
from camward.rtsp.core.client_address import parse_address
from camward.rtsp.core.client_errors import RtspClientError
from camward.rtsp.core.depacketizer import (
    AacDepacketizer,
    DepacketizerLimits,
    DocumentDepacketizer,
    H264Depacketizer,
    H265Depacketizer,
    PayloadError,
)
from camward.rtsp.core.errors import RtspError
from camward.rtsp.core.packetizer import StreamPacketizer
from camward.rtsp.core.sdp import build_sdp

START = 1_760_000_000 * NS
SETS = {
    "h264": (bytes.fromhex("6764001facb3018024d080000003008000000a078c1934"), bytes.fromhex("68e9714b22c0")),
    "h265": (
        bytes.fromhex("40010c01ffff01600000030090000003000003007895980900"),
        bytes.fromhex("420101016000000300900000030000030078a003c08010e596566924caf0168080000003008000000c84"),
        bytes.fromhex("4401c172b46240"),
    ),
}
HEADS = {"h264": (b"\x65", b"\x41", b"\x06\x05"), "h265": (b"\x26\x01", b"\x02\x01", b"\x4e\x01")}
FORMS = {
    "h264": VideoFormat("h264", 768, 576, SETS["h264"], 25.0),
    "h265": VideoFormat("h265", 1920, 1080, SETS["h265"], 25.0),
}


@st.composite
def pictures(draw: Any, codec: str) -> list[AccessUnit]:
    """Pictures of several slices, with and without sets and SEI, of all sizes, some with start-code look-alikes."""
    key_head, head, sei = HEADS[codec]
    units = []
    for number in range(draw(st.integers(1, 12))):
        key = number == 0 or draw(st.integers(0, 4)) == 0
        nals = list(SETS[codec]) if key and (number == 0 or draw(st.booleans())) else []
        nals += [sei + draw(st.binary(min_size=1, max_size=30)) for _ in range(draw(st.integers(0, 2)))]
        for index in range(draw(st.integers(1, 3))):
            size = draw(st.sampled_from([1, 5, 1384, 1385, 1386, 1387, 1388, 1389, 2770, 5000]))
            first = b"\x80" if index == 0 else b"\x40"
            nals.append((key_head if key else head) + first + draw(st.binary(max_size=4)) + bytes([number]) * size)
        flags = Flags.KEY if key else Flags.NONE
        units.append(
            AccessUnit(Track.VIDEO, number * 3600, Utc(START + number * 40_000_000), join_length_prefixed(nals), flags)
        )
    return units


class Camera:
    """A playing session that is sent packets of our own packetizer."""

    def __init__(self, codec: str, *, udp: bool = False, base: int = 0xFFFF_F000) -> None:
        self.units: list[AccessUnit] = []
        self.losses: list[str] = []
        ports = {track: (6000 + 2 * track, 6001 + 2 * track) for track in Track} if udp else None
        self.session = ClientSession(
            parse_address("rtsp://c/x"),
            Outputs(lambda form: None, self.units.append, self.losses.append),
            client_ports=ports,
        )
        self.form = StreamFormat(FORMS[codec])
        self.packetizer = StreamPacketizer(cname="c", random=lambda: base)
        self.packetizer.set_format(self.form)
        self.session.start(0.0)
        sdp = build_sdp(self.form, name="x")
        lower = "UDP;unicast;server_port=7000-7001" if udp else "TCP;unicast;interleaved=0-1"
        self.receive(f"RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: {len(sdp)}\r\n\r\n{sdp}".encode())
        self.receive(f"RTSP/1.0 200 OK\r\nCSeq: 2\r\nSession: 1\r\nTransport: RTP/AVP/{lower}\r\n\r\n".encode())
        self.receive(b"RTSP/1.0 200 OK\r\nCSeq: 3\r\n\r\n")
        assert self.session.playing

    def receive(self, data: bytes) -> int:
        view = memoryview(bytearray(data))
        used = self.session.receive(view, now=0.0, utc=Utc(START))
        kept = bytes(view[used:])
        view[:] = bytes(len(view))
        view.release()
        self.rest = kept
        return used

    def packets(self, units: list[AccessUnit]) -> list[bytes]:
        return [head + bytes(piece) for unit in units for head, piece in self.packetizer.packetize(unit).packets]

    def stream(self, data: bytes, cuts: random.Random) -> None:
        """Through the connection, in pieces of any size."""
        self.rest = b""
        while data:
            size = min(len(data), cuts.choice([1, 3, 17, 200, 1400, 5000, 60_000]))
            piece, data = data[:size], data[size:]
            self.receive(self.rest + piece)


def framed(packets: list[bytes]) -> bytes:
    return b"".join(struct.pack(">BBH", 36, 0, len(packet)) + packet for packet in packets)


@pytest.mark.parametrize("codec", ["h264", "h265"])
@settings(max_examples=60, deadline=None)
@given(data=st.data(), seed=st.integers(0, 2**32))
def test_what_is_packetised_comes_out_of_a_connection_bit_for_bit(codec: str, data: Any, seed: int) -> None:
    units, camera = data.draw(pictures(codec)), Camera(codec)
    packets = camera.packets([*units, AccessUnit(Track.VIDEO, 10**6, Utc(START), units[0].data, Flags.KEY)])
    camera.stream(framed(packets), random.Random(seed))
    found = camera.units[: len(units)]
    assert [unit.data for unit in found] == [unit.data for unit in units]
    assert [unit.key for unit in found] == [unit.key for unit in units]
    assert [unit.ticks - found[0].ticks for unit in found] == [unit.ticks for unit in units]
    assert not camera.losses


@pytest.mark.parametrize("codec", ["h264", "h265"])
@pytest.mark.parametrize("udp", [False, True])
@settings(max_examples=100, deadline=None)
@given(data=st.data(), seed=st.integers(0, 2**32), rate=st.sampled_from([0.01, 0.1, 0.4]))
def test_with_losses_a_unit_is_exact_or_absent(codec: str, udp: bool, data: Any, seed: int, rate: float) -> None:
    units, camera, chance = data.draw(pictures(codec)), Camera(codec, udp=udp), random.Random(seed)
    # What was lost ahead of the very first packet nobody can know, so that one arrives.
    begin, *packets = camera.packets(units)
    packets = [packet for packet in packets if chance.random() >= rate]
    if udp:
        for _ in range(len(packets) // 3):
            place = chance.randrange(len(packets))
            packets.insert(min(len(packets), place + chance.randrange(5)), packets.pop(place))
            packets.insert(place, packets[chance.randrange(len(packets))])
        for packet in [begin, *packets]:
            camera.session.datagram(Track.VIDEO, memoryview(packet), control=False, now=0.0, utc=Utc(START))
    else:
        camera.stream(framed([begin, *packets]), chance)
    sent = [unit.data for unit in units]
    for unit in camera.units:
        assert unit.data in sent, "a unit was altered"
    for earlier, later in zip(camera.units, camera.units[1:], strict=False):
        missing = sent.index(later.data) - sent.index(earlier.data) != 1
        if missing and sent.count(later.data) == sent.count(earlier.data) == 1:
            assert later.key
            assert Flags.DISCONTINUITY in later.flags


@pytest.mark.parametrize("codec", ["h264", "h265"])
@settings(max_examples=60, deadline=None)
@given(data=st.data(), seed=st.integers(0, 2**32))
def test_damaged_bytes_end_in_units_or_our_own_errors(codec: str, data: Any, seed: int) -> None:
    units, camera, chance = data.draw(pictures(codec)), Camera(codec), random.Random(seed)
    stream = bytearray(framed(camera.packets(units)))
    for _ in range(chance.randrange(1, 6)):
        stream[chance.randrange(len(stream))] = chance.randrange(256)
    try:
        camera.stream(bytes(stream), chance)
    except (RtspError, RtspClientError) as error:
        assert error.diagnostics()


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.binary(max_size=40), st.integers(0, 2), st.booleans()), max_size=30),
    st.integers(0, 4),
)
def test_any_payloads_give_units_or_a_payload_error(packets: list[tuple[bytes, int, bool]], which: int) -> None:
    given_units: list[bytes] = []

    def emit(stamp: int, unit: bytes, flags: Flags) -> None:
        given_units.append(unit)

    limits = DepacketizerLimits(unit=200, nals=8, sample=100)
    hbr = {"mode": "AAC-hbr"}
    inside = [
        lambda: H264Depacketizer(emit=emit, on_format=lambda form: None, parameter_sets=SETS["h264"], limits=limits),
        lambda: H265Depacketizer(emit=emit, on_format=lambda form: None, parameter_sets=SETS["h265"], limits=limits),
        lambda: AacDepacketizer(hbr, frame=1024, emit=emit, limits=limits),
        lambda: AacDepacketizer({"mode": "AAC-lbr"}, frame=1024, emit=emit, limits=limits),
        lambda: DocumentDepacketizer(emit=emit, limits=limits),
    ][which]()
    for payload, stamp, marker in packets:
        try:
            inside.packet(memoryview(payload), stamp, marker=marker)
        except PayloadError:
            inside.lost()
    assert all(len(unit) <= 240 for unit in given_units)
