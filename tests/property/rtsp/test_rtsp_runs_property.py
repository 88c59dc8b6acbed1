"""Fragments read as rows of a table give what packet after packet gives, whatever is lost and wherever reads end."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from camward.base.clock import Utc
from camward.media.unit import AccessUnit, Track
from camward.rtsp.core.depacketizer import H264Depacketizer, H265Depacketizer
from camward.rtsp.core.errors import RtpError
from camward.rtsp.core.reception import Reception
from camward.rtsp.core.timeline import Moment

SETS = {
    "h264": (bytes.fromhex("67640028acd940780227e5c044000003000400000300c83c60c658"), bytes.fromhex("68ebe3cb22c0")),
    "h265": (
        bytes.fromhex("40010c01ffff01600000030090000003000003003c959809"),
        bytes.fromhex("42010101600000030090000003000003003ca00a080f165959a4932b9a020000030002000003003210"),
        bytes.fromhex("4401c172b46240"),
    ),
}
pictures = st.lists(st.tuples(st.booleans(), st.integers(1, 60), st.integers(1, 12)), min_size=1, max_size=8)
"""Whether it is a key picture, its bytes, and the bytes of each fragment."""


def payloads(codec: str, *, key: bool, size: int, most: int) -> list[bytes]:
    """A picture of one slice, whole or in fragments."""
    kind = {"h264": (1, 5), "h265": (1, 19)}[codec][key]
    body = bytes([0x80, *(number % 251 for number in range(size))])
    pieces = [body[start : start + most] for start in range(0, len(body), most)]
    if len(pieces) == 1:
        return [bytes((0x60 | kind,) if codec == "h264" else (kind << 1, 1)) + body]
    heads = [0x80 | kind, *[kind] * (len(pieces) - 2), 0x40 | kind]
    lead = b"\x7c" if codec == "h264" else b"\x62\x01"
    return [lead + bytes((head,)) + piece for head, piece in zip(heads, pieces, strict=True)]


def frames(codec: str, made: list, *, sequence: int, gone: set[int]) -> list[bytes]:
    """Interleaved frames on channel 0, some of them lost."""
    found = []
    for number, (key, size, most) in enumerate(made):
        parts = payloads(codec, key=key, size=size, most=most)
        for index, part in enumerate(parts):
            mark = 0x80 if index == len(parts) - 1 else 0
            head = struct.pack(">BBHBBHII", 0x24, 0, 12 + len(part), 0x80, 96 | mark, sequence, number * 3600, 77)
            sequence = sequence + 1 & 0xFFFF
            found.append(head + part)
    return [frame for number, frame in enumerate(found) if number not in gone]


class Heard:
    """A reception and what came of it."""

    def __init__(self, codec: str) -> None:
        self.units: list[AccessUnit] = []
        self.lost: list[str] = []
        self.reception = Reception(
            Track.VIDEO,
            payload_type=96,
            place=lambda stamp, key: Moment(stamp, Utc(stamp), jumped=False),
            on_unit=self.units.append,
            on_lost=self.lost.append,
        )
        kind = H264Depacketizer if codec == "h264" else H265Depacketizer
        self.reception.start(kind(emit=self.reception.give, on_format=lambda _: None, parameter_sets=SETS[codec]))

    def take(self, data: bytes, *, rows: bool) -> None:
        view, position = memoryview(bytearray(data)), 0
        while position < len(view):
            end = position + 4 + int.from_bytes(view[position + 2 : position + 4], "big")
            try:
                self.reception.packet(view[position + 4 : end])
            except RtpError as error:
                self.lost.append(error.what)
            position = self.reception.run(view, end, len(view), 0) if rows else end
        view[:] = bytes(len(view))  # the buffer is used again

    def told(self) -> tuple[object, ...]:
        block = self.reception.block(0.0)
        return self.units, self.lost, block, self.reception.heard


@given(
    st.sampled_from(["h264", "h265"]),
    pictures,
    st.integers(0, 0xFFFF) | st.integers(0xFFF0, 0xFFFF),
    st.sets(st.integers(0, 60), max_size=3),
    st.lists(st.integers(1, 30), min_size=1, max_size=20),
)
def test_rows_are_packets(codec: str, made: list, sequence: int, gone: set[int], reads: list[int]) -> None:
    left = frames(codec, [(True, 5, 12), *made], sequence=sequence, gone=gone)
    one, other = Heard(codec), Heard(codec)
    for count in [*reads, len(left)]:
        data, left = b"".join(left[:count]), left[count:]
        one.take(data, rows=True)
        other.take(data, rows=False)
    assert one.told() == other.told()
    assert gone or len(one.units) == len(made) + 1
