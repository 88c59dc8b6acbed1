"""Audio frames and metadata documents out of their payloads."""

from collections.abc import Callable

import pytest

from camward.media.unit import Flags
from camward.rtsp.core.depacketizer import (
    AacDepacketizer,
    DepacketizerLimits,
    DocumentDepacketizer,
    PacketDepacketizer,
    PayloadError,
)

HBR = {"mode": "AAC-hbr", "sizelength": "13", "indexlength": "3", "indexdeltalength": "3"}
Given = list[tuple[int, bytes, Flags]]


def collector() -> tuple[Given, Callable[[int, bytes, Flags], None]]:
    given: Given = []
    return given, lambda stamp, data, flags: given.append((stamp, data, flags))


def hbr(*frames: bytes) -> bytes:
    heads = b"".join((len(frame) << 3).to_bytes(2, "big") for frame in frames)
    return (len(heads) * 8).to_bytes(2, "big") + heads + b"".join(frames)


def test_aac_frames_of_one_packet_follow_each_other_in_time() -> None:
    given, emit = collector()
    inside = AacDepacketizer(HBR, frame=1024, emit=emit)
    inside.packet(memoryview(hbr(b"one", b"two!", b"three")), 0xFFFF_FF00, marker=True)
    inside.packet(memoryview(hbr(b"four")), 3000, marker=True)
    assert given == [
        (0xFFFF_FF00, b"one", Flags.KEY | Flags.DISCONTINUITY),
        (0x300, b"two!", Flags.KEY),
        (0x700, b"three", Flags.KEY),
        (3000, b"four", Flags.KEY),
    ]


def test_aac_frame_in_several_packets() -> None:
    given, emit = collector()
    inside = AacDepacketizer(HBR, frame=1024, emit=emit)
    head = b"\x00\x10" + (10 << 3).to_bytes(2, "big")
    inside.packet(memoryview(head + b"0123"), 0, marker=False)
    inside.packet(memoryview(head + b"4567"), 0, marker=False)
    inside.packet(memoryview(head + b"89"), 0, marker=True)
    assert [data for _, data, _ in given] == [b"0123456789"]


def test_aac_frame_that_lost_a_part_is_not_given() -> None:
    given, emit = collector()
    inside = AacDepacketizer(HBR, frame=1024, emit=emit)
    head = b"\x00\x10" + (10 << 3).to_bytes(2, "big")
    inside.packet(memoryview(hbr(b"before")), 0, marker=True)
    inside.packet(memoryview(head + b"0123"), 1024, marker=False)
    inside.lost()
    inside.packet(memoryview(head + b"89"), 1024, marker=True)
    inside.lost()
    inside.packet(memoryview(hbr(b"after")), 2048, marker=True)
    assert [(data, flags) for _, data, flags in given] == [
        (b"before", Flags.KEY | Flags.DISCONTINUITY),
        (b"after", Flags.KEY | Flags.DISCONTINUITY),
    ]


def test_aac_low_bit_rate_form() -> None:
    given, emit = collector()
    inside = AacDepacketizer({"mode": "AAC-lbr"}, frame=1024, emit=emit)
    inside.packet(memoryview(b"\x00\x10" + bytes((3 << 2, 2 << 2)) + b"abcde"), 0, marker=True)
    assert [data for _, data, _ in given] == [b"abc", b"de"]


@pytest.mark.parametrize(
    "parameters",
    [
        {"mode": "generic"},
        {"mode": "CELP-vbr"},
        {**HBR, "sizelength": "thirteen"},
        {**HBR, "sizelength": "99"},
        {**HBR, "ctsdeltalength": "8"},
    ],
)
def test_aac_of_an_unknown_form_is_refused_at_once(parameters: dict[str, str]) -> None:
    with pytest.raises(PayloadError):
        AacDepacketizer(parameters, frame=1024, emit=collector()[1])


@pytest.mark.parametrize(
    "payload",
    [b"", b"\x00", b"\x00\x00", b"\x00\xff", b"\x00\x10\x00\x19abc", b"\x00\x20\x00\x10\x00\x18abc"],
)
def test_malformed_aac_is_refused(payload: bytes) -> None:
    inside = AacDepacketizer(HBR, frame=1024, emit=collector()[1])
    with pytest.raises(PayloadError):
        inside.packet(memoryview(payload), 0, marker=True)


def test_packets_as_they_are() -> None:
    given, emit = collector()
    inside = PacketDepacketizer(emit=emit)
    for number in range(3):
        inside.packet(memoryview(bytes((number,) * 4)), number * 960, marker=False)
    inside.packet(memoryview(b""), 2880, marker=False)
    inside.lost()
    inside.packet(memoryview(b"last"), 3840, marker=False)
    assert [(stamp, flags) for stamp, _, flags in given] == [
        (0, Flags.KEY | Flags.DISCONTINUITY),
        (960, Flags.KEY),
        (1920, Flags.KEY),
        (3840, Flags.KEY | Flags.DISCONTINUITY),
    ]


def test_documents_end_at_the_marker_or_the_next_timestamp() -> None:
    given, emit = collector()
    inside = DocumentDepacketizer(emit=emit)
    inside.packet(memoryview(b"<a>"), 0, marker=False)
    inside.packet(memoryview(b"</a>"), 0, marker=True)
    inside.packet(memoryview(b"<b/>"), 90, marker=False)
    inside.packet(memoryview(b"<c/>"), 180, marker=True)
    assert [(stamp, data) for stamp, data, _ in given] == [(0, b"<a></a>"), (90, b"<b/>"), (180, b"<c/>")]


def test_document_with_a_hole_is_not_given() -> None:
    given, emit = collector()
    inside = DocumentDepacketizer(emit=emit)
    inside.packet(memoryview(b"<a>"), 0, marker=False)
    inside.lost()
    inside.packet(memoryview(b"</a>"), 0, marker=True)
    inside.packet(memoryview(b"<b/>"), 90, marker=True)
    assert [data for _, data, _ in given] == [b"<b/>"]


def test_document_beyond_the_limit_is_refused() -> None:
    inside = DocumentDepacketizer(emit=collector()[1], limits=DepacketizerLimits(sample=10))
    inside.packet(memoryview(b"12345678"), 0, marker=False)
    with pytest.raises(PayloadError):
        inside.packet(memoryview(b"12345678"), 0, marker=False)
