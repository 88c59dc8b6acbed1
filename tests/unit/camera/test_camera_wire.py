"""What crosses the worker's socket comes out as it went in, and nothing else comes out."""

import struct

import pytest

from camward.base.secret import Secret
from camward.camera.orders import (
    Coding,
    Config,
    Drawing,
    KeyOrder,
    SmallOrder,
    SnapshotOrder,
    SourceOrder,
    decode_order,
    encode_order,
)
from camward.camera.wire import (
    STREAM1,
    STREAM2,
    AliveReport,
    FormatReport,
    FrameSplitter,
    Kind,
    LogReport,
    LostReport,
    SnapshotReport,
    UnitReport,
    WireError,
    WireLimits,
    decode_report,
    encode_report,
)
from camward.media.unit import AudioFormat, Flags, StreamFormat, VideoFormat


def crossed(report):
    frames = FrameSplitter().receive(b"".join(encode_report(report)))
    assert len(frames) == 1
    return decode_report(frames[0])


def test_every_report_crosses_whole(form, picture, sound):
    for report in (
        UnitReport(STREAM1, picture(9000, key=True)),
        UnitReport(STREAM2, picture(12_600)),
        UnitReport(STREAM1 | STREAM2, sound(1024)),
        FormatReport(STREAM1, form, ""),
        FormatReport(STREAM2, StreamFormat(form.video, AudioFormat("opus", 48_000, 1)), "privacy zones are masked"),
        FormatReport(STREAM1, StreamFormat(form.video), "é"),
        LostReport("There is no file"),
        AliveReport(confined=True, controls=("brightness", "contrast")),
        AliveReport(confined=False, controls=()),
        SnapshotReport(7, b"\xff\xd8\xff\xe0 picture", ""),
        SnapshotReport(8, b"", "no picture yet"),
        LogReport("something"),
    ):
        assert crossed(report) == report


def test_frames_split_anywhere(picture):
    reports = [UnitReport(STREAM1, picture(index * 3600, key=index == 0)) for index in range(6)]
    stream = b"".join(b"".join(encode_report(report)) for report in reports)
    for step in (1, 3, 4, 5, 17, 100):
        splitter, found = FrameSplitter(), []
        for begin in range(0, len(stream), step):
            found += [decode_report(frame) for frame in splitter.receive(stream[begin : begin + step])]
        assert found == reports


def test_impossible_lengths_end_the_connection():
    for size in (0, WireLimits().frame_bytes + 1, 0xFFFF_FFFF):
        with pytest.raises(WireError):
            FrameSplitter().receive(struct.pack(">I", size))
    splitter = FrameSplitter()
    splitter.receive(b"\xff\xff")
    with pytest.raises(WireError):
        splitter.receive(b"\xff\xff")


def unit_frame(streams=1, track=0, flags=1, ticks=0, utc=0, data=b"\x00\x00\x00\x02\x65\x80"):
    return struct.pack(">BBBBqq", Kind.UNIT, streams, track, flags, ticks, utc) + data


@pytest.mark.parametrize(
    "frame",
    [
        unit_frame(streams=0),
        unit_frame(streams=4),
        unit_frame(track=2),
        unit_frame(track=9),
        unit_frame(flags=4),
        unit_frame(flags=255),
        unit_frame(track=1, flags=0),
        unit_frame(ticks=-1),
        unit_frame(ticks=1 << 60),
        unit_frame(utc=-1),
        unit_frame(data=b""),
        unit_frame(data=b"\x00\x00\x00\x09\x65"),
        unit_frame(data=b"\x00\x00\x00\x00"),
        unit_frame(data=b"\x00\x00\x00\x01\x65" * 2000),
        bytes((Kind.UNIT,)),
        bytes((Kind.FORMAT, 1)),
        bytes((Kind.FORMAT, 3, 0, 0)) + struct.pack(">f", 25),
        bytes((Kind.FORMAT, 1, 0, 1)) + struct.pack(">f", float("nan")),
        bytes((Kind.FORMAT, 1, 0, 0)) + struct.pack(">f", 25) + b"\x00",
        bytes((Kind.FORMAT, 1, 0, 1)) + struct.pack(">f", 25) + b"\x00\x02\x67\x64\x00",
        bytes((Kind.ALIVE, 2)),
        bytes((Kind.ALIVE, 0)) + b"focus",
        bytes((Kind.SNAPSHOT,)) + b"\x00\x00\x00\x01\x01GIF89a",
        bytes((Kind.SNAPSHOT, 0)),
        bytes((Kind.LOST,)) + b"x" * 3000,
        bytes((Kind.CONFIG,)) + b"{}",
        b"\x00",
        b"\xff",
    ],
)
def test_what_a_worker_may_not_send(frame):
    with pytest.raises(WireError):
        decode_report(frame)


def test_texts_lose_what_a_terminal_would_obey():
    report = decode_report(bytes((Kind.LOG,)) + b"a\x1b[2Jb\nc\xff")
    assert report == LogReport("a [2Jb c\N{REPLACEMENT CHARACTER}")


def test_a_format_is_what_its_parameter_sets_say(form):
    lie = VideoFormat("h264", 9999, 9999, form.video.parameter_sets, 25.0)
    got = crossed(FormatReport(STREAM1, StreamFormat(lie), "")).form.video
    assert (got.width, got.height, got.frame_rate) == (640, 360, 25.0)


def test_every_order_crosses_whole():
    config = Config(
        SourceOrder("rtsp://camera/1", "admin", Secret('pä"ss'), (1920, 1080), "udp", "ab" * 32),
        Coding(4000),
        Coding(600, 15, 2.5, False, 640),
        Drawing(10, 20, 30, "Gate", True, "bottom-right", ((1.0, 2.0, 3.0, 4.5),)),
        12.5,
        3.25,
    )
    for order in (config, SmallOrder(True), SmallOrder(False), SnapshotOrder(9, 2), KeyOrder(1)):
        (frame,) = FrameSplitter().receive(encode_order(order))
        assert decode_order(frame) == order
    assert "ss" not in repr(config.source.password)


@pytest.mark.parametrize("frame", [b"\x40{", b"\x40[]", b'\x40{"source":1}', b"\x41", b"\x42\x00", b"\x01", b"\x43"])
def test_orders_that_make_no_sense(frame):
    with pytest.raises(WireError):
        decode_order(frame)


def test_flags_survive(picture):
    both = Flags.KEY | Flags.DISCONTINUITY
    assert crossed(UnitReport(STREAM1, picture(5, key=True, flags=both))).unit.flags == both
