"""Packets of one stream: made once, counted on, reported while units come and while they don't."""

from camward.base.clock import NS, Utc
from camward.media.nal import join_length_prefixed
from camward.media.stream import MediaStream
from camward.media.unit import AccessUnit, AudioFormat, Flags, StreamFormat, Track, VideoFormat
from camward.rtsp.core.feed import StreamFeed
from camward.rtsp.core.packetizer import PacketizedUnit
from camward.rtsp.core.rtcp import SenderReport, parse_rtcp
from camward.rtsp.core.rtp import parse_rtp

H264 = VideoFormat("h264", 64, 64, ())
H265 = VideoFormat("h265", 64, 64, ())
START = 1_760_000_000 * NS


class Kept:
    """A reader that keeps all it is given."""

    def __init__(self) -> None:
        self.units: list[PacketizedUnit] = []
        self.reports: list[tuple[Track, bytes]] = []
        self.reasons: list[str] = []

    def offer(self, unit: PacketizedUnit) -> None:
        self.units.append(unit)

    def report(self, track: Track, data: bytes) -> None:
        self.reports.append((track, data))

    def ended(self, reason: str) -> None:
        self.reasons.append(reason)


def picture(number: int, *nals: bytes, key: bool = False) -> AccessUnit:
    flags = Flags.KEY if key else Flags.NONE
    return AccessUnit(Track.VIDEO, number * 3600, Utc(START + number * NS // 25), join_length_prefixed(nals), flags)


def packets(unit: PacketizedUnit) -> list[bytes]:
    return [head + bytes(piece) for head, piece in unit.packets]


async def playing(form: StreamFormat) -> tuple[MediaStream, StreamFeed, Kept]:
    stream, reader = MediaStream("stream1"), Kept()
    stream.set_format(form)
    feed = StreamFeed(stream, cname="test")
    feed.acquire()
    feed.add(reader)
    return stream, feed, reader


async def test_every_reader_gets_the_same_object() -> None:
    stream, feed, one = await playing(StreamFormat(H264))
    two = Kept()
    stream.publish(picture(0, b"\x65" + bytes(5000), key=True))
    stream.publish(picture(1, b"\x41" + bytes(3000)))
    feed.add(two)
    stream.publish(picture(2, b"\x41" + bytes(100)))
    assert all(a is b for a, b in zip(one.units, two.units, strict=True)) and len(two.units) == 3
    assert one.units[0].frame(1) is one.units[0].framed[1]
    sequence = [parse_rtp(data).sequence for unit in one.units for data in packets(unit)]
    assert sequence == [(sequence[0] + index) % 65536 for index in range(8)]


async def test_h264_small_units_share_a_packet() -> None:
    stream, _, reader = await playing(StreamFormat(H264))
    sps, pps, idr = b"\x67" + bytes(20), b"\x68" + bytes(4), b"\x65" + bytes(3000)
    stream.publish(picture(0, sps, pps, idr, key=True))
    first, *fragments = [bytes(parse_rtp(data).payload) for data in packets(reader.units[0])]
    assert first == b"\x78\x00\x15" + sps + b"\x00\x05" + pps
    assert [data[:2] for data in fragments] == [b"\x7c\x85", b"\x7c\x05", b"\x7c\x45"]
    assert b"\x65" + b"".join(data[2:] for data in fragments) == idr


async def test_h265_small_units_share_a_packet() -> None:
    stream, _, reader = await playing(StreamFormat(H265))
    vps, sps, idr = b"\x40\x01" + bytes(20), b"\x42\x01" + bytes(4), b"\x26\x01" + bytes(3000)
    stream.publish(picture(0, vps, sps, idr, key=True))
    first, *fragments = [bytes(parse_rtp(data).payload) for data in packets(reader.units[0])]
    assert first == b"\x60\x01\x00\x16" + vps + b"\x00\x06" + sps
    assert [data[:3] for data in fragments] == [b"\x62\x01\x93", b"\x62\x01\x13", b"\x62\x01\x53"]
    assert b"\x26\x01" + b"".join(data[3:] for data in fragments) == idr


async def test_sound_and_metadata() -> None:
    stream, _, reader = await playing(StreamFormat(H264, AudioFormat("aac", 16_000, 1, b"\x14\x08"), metadata=True))
    stream.publish(AccessUnit(Track.AUDIO, 1024, Utc(START), b"a" * 2000, Flags.KEY))
    stream.publish(AccessUnit(Track.METADATA, 90, Utc(START), b"<a/>" * 500, Flags.KEY))
    sound, metadata = ([parse_rtp(data) for data in packets(unit)] for unit in reader.units)
    assert all(bytes(packet.payload[:4]) == b"\x00\x10" + (2000 << 3).to_bytes(2, "big") for packet in sound)
    assert b"".join(bytes(packet.payload[4:]) for packet in sound) == b"a" * 2000
    assert b"".join(bytes(packet.payload) for packet in metadata) == b"<a/>" * 500
    assert [packet.marker for packet in sound] == [packet.marker for packet in metadata] == [False, True]
    assert (sound[0].timestamp - metadata[0].timestamp) % 2**32 == 1024 - 90


async def test_reports_while_units_come_and_while_they_do_not() -> None:
    stream, feed, reader = await playing(StreamFormat(H264))
    for number in range(25 * 11):
        stream.publish(picture(number, b"\x65" + bytes(10), key=number % 50 == 0))
    told = [unit for unit in reader.units if unit.report]
    assert [unit.number for unit in told] == [0, 125, 250]
    (report, _) = parse_rtcp(told[1].report)
    assert isinstance(report, SenderReport)
    assert (report.utc, report.rtp_time, report.packets) == (told[1].utc, told[1].timestamp, 125)
    newest = START + 274 * NS // 25
    feed.report_silence(100.0, Utc(newest))
    feed.report_silence(104.0, Utc(newest + 4 * NS))
    assert not reader.reports
    feed.report_silence(106.0, Utc(newest + 6 * NS))
    feed.report_silence(107.0, Utc(newest + 7 * NS))
    ((track, data),) = reader.reports
    report = parse_rtcp(data)[0]
    assert track is Track.VIDEO and (report.rtp_time - reader.units[-1].timestamp) % 2**32 == 6 * 90_000
    feed.report_silence(112.0, Utc(newest + 12 * NS))
    assert len(reader.reports) == 2


async def test_another_format_ends_readers_and_malformed_units_are_left_out() -> None:
    stream, feed, reader = await playing(StreamFormat(H264))
    stream.publish(picture(0, b"\x65\x00", key=True))
    stream.publish(AccessUnit(Track.VIDEO, 1, Utc(START), b"\xff\xff\xff\xff\x41"))
    stream.publish(AccessUnit(Track.VIDEO, 1, Utc(START), b""))
    assert len(reader.units) == 1 and feed.malformed == 1
    stream.set_format(StreamFormat(H264))
    feed.refresh()
    assert not reader.reasons
    stream.set_format(StreamFormat(H265))
    feed.refresh()
    assert len(reader.reasons) == 1 and not feed.group


async def test_a_feed_is_attached_only_while_it_is_used() -> None:
    wanted: list[bool] = []
    stream = MediaStream("stream2", on_demand=wanted.append)
    feed = StreamFeed(stream, cname="test")
    feed.acquire()
    feed.acquire()
    feed.release()
    assert wanted == [True]
    feed.release()
    assert wanted == [True, False] and stream.readers == 0
