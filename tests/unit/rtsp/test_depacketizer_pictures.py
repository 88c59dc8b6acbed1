"""Pictures out of H.264 and H.265 payloads: their bounds, losses, formats, and cameras with habits of their own."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from camward.media.nal import iter_length_prefixed, join_length_prefixed
from camward.media.unit import Flags, VideoFormat
from camward.rtsp.core.depacketizer import (
    DEPACKETIZER_LIMITS,
    DepacketizerLimits,
    H264Depacketizer,
    H265Depacketizer,
    PayloadError,
)

SPS = bytes.fromhex("6764001facb3018024d080000003008000000a078c1934")
PPS = bytes.fromhex("68e9714b22c0")
OTHER_SPS = bytes.fromhex("6742c01e95a0280f64")
AUD, SEI = b"\x09\x10", b"\x06\x05\x02ab\x80"
IDR, IDR_TAIL = b"\x65\x88" + b"i" * 30, b"\x65\x40" + b"j" * 20
SLICE, SLICE_TAIL = b"\x41\x9a" + b"p" * 30, b"\x41\x40" + b"q" * 20


@dataclass
class Picture:
    """What came out."""

    timestamp: int
    nals: list[bytes]
    flags: Flags


@dataclass
class Bench:
    """A depacketizer, and what it gave."""

    sets: Sequence[bytes] = ()
    limits: DepacketizerLimits = DEPACKETIZER_LIMITS
    pictures: list[Picture] = field(default_factory=list)
    forms: list[VideoFormat] = field(default_factory=list)
    kind: type[H264Depacketizer] | type[H265Depacketizer] = H264Depacketizer

    def __post_init__(self) -> None:
        self.inside = self.kind(
            emit=self.take, on_format=self.forms.append, parameter_sets=self.sets, limits=self.limits
        )

    def take(self, timestamp: int, data: bytes, flags: Flags) -> None:
        assert data == join_length_prefixed(iter_length_prefixed(data))
        self.pictures.append(Picture(timestamp, [bytes(nal) for nal in iter_length_prefixed(data)], flags))

    def send(self, timestamp: int, *payloads: bytes, marks: str = "last") -> None:
        """One packet for each payload; the buffer they came in is overwritten at once, as the client does."""
        for index, payload in enumerate(payloads):
            buffer = bytearray(payload)
            marker = marks == "all" or (marks == "last" and index == len(payloads) - 1)
            self.inside.packet(memoryview(buffer), timestamp, marker=marker)
            buffer[:] = bytes(len(buffer))


def stap(*nals: bytes) -> bytes:
    return b"\x78" + b"".join(len(nal).to_bytes(2, "big") + nal for nal in nals)


def fu(nal: bytes, size: int = 10) -> list[bytes]:
    pieces = [nal[at : at + size] for at in range(1, len(nal), size)]
    last = len(pieces) - 1
    return [
        bytes((nal[0] & 0xE0 | 28, nal[0] & 31 | (0x80 if i == 0 else 0) | (0x40 if i == last else 0))) + piece
        for i, piece in enumerate(pieces)
    ]


def test_single_aggregated_and_fragmented_units_come_out_as_sent() -> None:
    bench = Bench()
    bench.send(1000, stap(AUD, SPS, PPS, SEI), *fu(IDR))
    bench.send(4600, AUD, SLICE)
    bench.send(8200, *fu(SLICE))
    assert [p.nals for p in bench.pictures] == [[AUD, SPS, PPS, SEI, IDR], [AUD, SLICE], [SLICE]]
    assert [p.timestamp for p in bench.pictures] == [1000, 4600, 8200]
    assert [p.flags for p in bench.pictures] == [Flags.KEY | Flags.DISCONTINUITY, Flags.NONE, Flags.NONE]
    assert [(f.width, f.height) for f in bench.forms] == [(768, 576)]
    assert bench.forms[0].parameter_sets == (SPS, PPS)


def test_without_marker_pictures_end_at_the_next_timestamp() -> None:
    bench = Bench()
    for number in range(4):
        key = number == 0
        bench.send(number * 3600, *([SPS, PPS, IDR] if key else [SLICE]), marks="none")
    assert [len(p.nals) for p in bench.pictures] == [3, 1, 1]


def test_marker_on_each_unit_does_not_cut_multi_slice_pictures() -> None:
    bench = Bench()
    bench.send(0, SPS, PPS, IDR, IDR_TAIL, IDR_TAIL, marks="all")
    for number in range(1, 4):
        bench.send(number * 3600, SLICE, SLICE_TAIL, marks="all")
    assert [len(p.nals) for p in bench.pictures] == [5, 2, 2]


def test_marker_on_parameter_sets_does_not_end_a_picture() -> None:
    bench = Bench()
    for number in range(3):
        bench.send(number * 3600, SPS, PPS, IDR, marks="all")
    assert [p.nals for p in bench.pictures] == [[SPS, PPS, IDR]] * 3


def test_marker_that_is_trusted_gives_a_picture_at_once() -> None:
    bench = Bench()
    bench.send(0, SPS, PPS, IDR)
    assert not bench.pictures  # not known yet whether this sender's marker means the end
    bench.send(3600, SLICE)
    assert len(bench.pictures) == 2


def test_marker_that_turns_out_a_lie_spoils_up_to_the_next_key_picture_and_is_not_believed_again() -> None:
    bench = Bench()
    bench.send(0, SPS, PPS, IDR)
    bench.send(3600, SLICE)
    bench.send(7200, SLICE, SLICE_TAIL, marks="all")
    bench.send(10800, SLICE, marks="all")
    bench.send(14400, IDR, IDR_TAIL, marks="all")
    bench.send(18000, SLICE, SLICE_TAIL, marks="all")
    bench.send(21600, SLICE, SLICE_TAIL, marks="all")
    assert [(p.timestamp, len(p.nals)) for p in bench.pictures][-2:] == [(14400, 2), (18000, 2)]
    assert bench.pictures[-2].flags == Flags.KEY | Flags.DISCONTINUITY


def test_parameter_sets_with_the_timestamp_of_the_picture_before_belong_to_the_next() -> None:
    bench = Bench()
    bench.send(0, SPS, PPS, IDR)
    bench.send(3600, SLICE)
    bench.send(3600, SPS, PPS, marks="none")
    bench.send(7200, IDR)
    assert [p.nals for p in bench.pictures] == [[SPS, PPS, IDR], [SLICE], [SPS, PPS, IDR]]
    assert [p.timestamp for p in bench.pictures] == [0, 3600, 7200]


def test_format_from_the_description_when_there_are_no_sets_in_band_and_none_is_put_in() -> None:
    bench = Bench(sets=(SPS, PPS))
    bench.send(0, IDR)
    bench.send(3600, SLICE)
    assert bench.pictures[0].nals == [IDR]
    assert [(f.width, f.height) for f in bench.forms] == [(768, 576)]


def test_no_picture_is_given_before_the_format_is_known() -> None:
    bench = Bench()
    bench.send(0, IDR)
    bench.send(3600, SLICE)
    bench.send(7200, SPS, PPS, IDR)
    bench.send(10800, SLICE)
    assert [p.timestamp for p in bench.pictures] == [7200, 10800]


def test_other_sets_in_mid_stream_are_another_format_and_the_same_ones_are_not() -> None:
    bench = Bench(sets=(SPS, PPS))
    bench.send(0, SPS, PPS, IDR)
    bench.send(3600, SPS, PPS, IDR)
    bench.send(7200, OTHER_SPS, IDR)
    bench.send(10800, SPS, IDR)
    assert [f.parameter_sets[0] for f in bench.forms] == [SPS, OTHER_SPS, SPS]


def test_unreadable_sets_in_band_leave_the_format_and_stay_in_the_picture() -> None:
    bench = Bench(sets=(SPS, PPS))
    bench.send(0, b"\x67\x64", IDR)
    bench.send(3600, SLICE)
    assert bench.forms == []
    bench.send(7200, SPS, PPS, IDR)
    assert len(bench.forms) == 1


def test_after_a_loss_nothing_until_a_whole_key_picture() -> None:
    bench = Bench(sets=(SPS, PPS))
    bench.send(0, IDR)
    bench.send(3600, SLICE)
    bench.send(7200, fu(SLICE)[0], marks="none")
    bench.inside.lost()
    bench.send(7200, *fu(SLICE)[2:])
    bench.send(10800, SLICE)
    bench.send(14400, IDR)
    bench.send(18000, SLICE)
    assert [(p.timestamp, p.flags) for p in bench.pictures[2:]] == [
        (14400, Flags.KEY | Flags.DISCONTINUITY),
        (18000, Flags.NONE),
    ]


def test_a_key_picture_that_lost_its_beginning_is_not_given() -> None:
    bench = Bench(sets=(SPS, PPS))
    bench.send(0, IDR)
    bench.send(3600, SLICE)
    bench.inside.lost()
    bench.send(7200, PPS, IDR)  # the SPS ahead of it is what was lost
    assert len(bench.pictures) == 2
    bench.send(10800, IDR)
    assert bench.pictures[2].timestamp == 10800


def test_coming_in_within_a_key_picture_waits_for_the_next() -> None:
    bench = Bench(sets=(SPS, PPS))
    bench.send(0, IDR_TAIL)
    bench.send(3600, SLICE)
    bench.send(7200, IDR)
    bench.send(10800, SLICE)
    assert bench.pictures[0].nals == [IDR]


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\x78\x00",
        b"\x7c",
        b"\x79\x00\x00" + IDR,  # STAP-B
        b"\x7a" + IDR,  # MTAP16
        b"\x7d\x85\x00\x00" + IDR,  # FU-B
        b"\x78\x00\xff\x65",
        b"\x7c\x85",
        fu(IDR)[1],
        b"\x7f" + IDR,
    ],
)
def test_malformed_and_unsupported_payloads_are_refused(payload: bytes) -> None:
    bench = Bench(sets=(SPS, PPS))
    bench.send(0, IDR)
    with pytest.raises(PayloadError):
        bench.inside.packet(memoryview(payload), 3600, marker=True)


def test_a_unit_that_comes_within_the_fragments_of_another_is_refused() -> None:
    bench = Bench(sets=(SPS, PPS))
    bench.send(0, fu(IDR)[0], marks="none")
    with pytest.raises(PayloadError):
        bench.send(0, SLICE)
    with pytest.raises(PayloadError):
        bench.send(3600, fu(IDR)[1])


def test_a_picture_beyond_the_limit_is_refused() -> None:
    bench = Bench(sets=(SPS, PPS), limits=DepacketizerLimits(unit=1000, nals=20))
    with pytest.raises(PayloadError, match="too large"):
        bench.send(0, *fu(b"\x65\x88" + bytes(2000), size=100))
    bench.inside.lost()
    with pytest.raises(PayloadError, match="too many"):
        bench.send(3600, SLICE)
        bench.send(7200, IDR, *[IDR_TAIL] * 30)


def test_payloads_with_start_codes_are_taken_apart() -> None:
    bench = Bench()
    code = b"\x00\x00\x00\x01"
    bench.send(0, code + SPS + code + PPS + code + IDR)
    bench.send(3600, SLICE)
    assert bench.pictures[0].nals == [SPS, PPS, IDR]


def test_end_of_sequence_is_a_unit_of_one_byte() -> None:
    bench = Bench(sets=(SPS, PPS))
    bench.send(0, IDR)
    bench.send(3600, SLICE, b"\x0a")
    assert bench.pictures[1].nals == [SLICE, b"\x0a"]


# H.265


AUD5, IDR5, IDR5_TAIL = b"\x46\x01\x50", b"\x26\x01\xaf" + b"i" * 30, b"\x26\x01\x2f" + b"j" * 20
TRAIL, TRAIL_TAIL, SUFFIX = b"\x02\x01\xd0" + b"t" * 30, b"\x02\x01\x20" + b"u" * 20, b"\x50\x01\x84\x01a\x80"


def ap(*nals: bytes) -> bytes:
    return b"\x60\x01" + b"".join(len(nal).to_bytes(2, "big") + nal for nal in nals)


def fu5(nal: bytes, size: int = 10) -> list[bytes]:
    pieces = [nal[at : at + size] for at in range(2, len(nal), size)]
    last, kind = len(pieces) - 1, nal[0] >> 1 & 63
    return [
        bytes((49 << 1, nal[1], kind | (0x80 if i == 0 else 0) | (0x40 if i == last else 0))) + piece
        for i, piece in enumerate(pieces)
    ]


@pytest.fixture(scope="session")
def sets5() -> tuple[bytes, bytes, bytes]:
    """Real H.265 parameter sets: 1920x1080."""
    return (
        bytes.fromhex("40010c01ffff01600000030090000003000003007895980900"),
        bytes.fromhex("420101016000000300900000030000030078a003c08010e596566924caf0168080000003008000000c84"),
        bytes.fromhex("4401c172b46240"),
    )


def test_h265_units_come_out_as_sent(sets5: tuple[bytes, bytes, bytes]) -> None:
    bench = Bench(kind=H265Depacketizer)
    bench.send(0, ap(AUD5, *sets5), *fu5(IDR5), IDR5_TAIL)
    bench.send(3600, AUD5, *fu5(TRAIL), SUFFIX)
    bench.send(7200, TRAIL)
    assert [p.nals for p in bench.pictures] == [[AUD5, *sets5, IDR5, IDR5_TAIL], [AUD5, TRAIL, SUFFIX], [TRAIL]]
    assert [p.flags for p in bench.pictures] == [Flags.KEY | Flags.DISCONTINUITY, Flags.NONE, Flags.NONE]
    assert [(f.codec, f.width, f.height) for f in bench.forms] == [("h265", 1920, 1080)]


@pytest.mark.parametrize(
    "payload", [b"", b"\x26", b"\x62\x01", b"\x60\x01\x00\xff\x26", b"\x62\x01\x93", b"\x64\x01\x00\x00"]
)
def test_malformed_h265_payloads_are_refused(payload: bytes, sets5: tuple[bytes, bytes, bytes]) -> None:
    bench = Bench(kind=H265Depacketizer, sets=sets5)
    with pytest.raises(PayloadError):
        bench.inside.packet(memoryview(payload), 0, marker=True)
