"""NAL units, parameter sets and audio configurations, checked against bytes from the standards and real encoders."""

import av
import pytest

from camward.media import aac, codec, g711, h264, h265, nal, opus
from camward.media.bits import BitReader, BitstreamError
from camward.media.unit import AudioFormat

# x264 of a 162x122 picture at 25/s: cropped on both sides, with VUI timing.
X264_SPS = bytes.fromhex("67640028acd940780227e5c044000003000400000300c83c60c658")


def test_bits_and_codes():
    reader = BitReader(bytes([0b1010_0110, 0b0100_0010, 0b1000_0000]))
    assert reader.flag() is True
    assert [reader.ue(), reader.ue()] == [1, 0x2]  # 010, 011
    assert reader.se() == 2  # 00100
    with pytest.raises(BitstreamError):
        reader.bits(64)


def test_annexb_both_start_codes_and_trailing_zeros():
    data = b"\x00\x00\x00\x01\x09\xf0\x00\x00\x01\x67abc\x00\x00\x00\x00\x01\x65xyz\x00\x00"
    assert nal.split_annexb(data) == [b"\x09\xf0", b"\x67abc", b"\x65xyz"]
    assert nal.split_annexb(b"no start code") == []
    assert nal.from_annexb(data) == b"\0\0\0\2\x09\xf0\0\0\0\4\x67abc\0\0\0\4\x65xyz"


def test_a_length_outside_the_picture_is_an_error():
    for data in (b"\0\0\0\5abc", b"\0\0", b"\0\0\0\1a\0\0\0"):
        with pytest.raises(BitstreamError):
            list(nal.iter_length_prefixed(data))


def test_shorter_lengths_are_widened():
    assert nal.widen_lengths(b"\0\2ab\0\1c", 2) == b"\0\0\0\2ab\0\0\0\1c"


def test_h264_sps_of_a_1080p_stream():
    sps = h264.parse_sps(X264_SPS)
    assert (sps.width, sps.height, sps.frame_rate, sps.profile, sps.level) == (1920, 1080, 25.0, 100, 40)
    assert h264.codec_string(sps) == "avc1.640028"


def test_a_vui_that_ends_early_still_gives_the_size():
    sps = h264.parse_sps(X264_SPS[:14])
    assert (sps.width, sps.height, sps.frame_rate) == (1920, 1080, 0.0)


def test_what_is_no_parameter_set_is_an_error():
    for parse in (h264.parse_sps, h265.parse_sps):
        for data in (b"", b"\x67", b"\x42\x01\x01", b"\x67" + bytes(20), b"\x42\x01" + b"\xff" * 40, bytes(10_000)):
            with pytest.raises(BitstreamError):
                parse(data)
    with pytest.raises(BitstreamError):
        h264.video_format([X264_SPS])


@pytest.mark.parametrize("clip", ["car-park.mp4", "cup-with-audio.mp4"])
def test_real_footage_agrees_with_ffmpeg(footage, clip):
    with av.open(str(footage / clip)) as container:
        stream = container.streams.video[0]
        extradata = stream.codec_context.extradata
        size, sets = codec.from_extradata("h264", extradata)
        form = codec.video_format("h264", sets)
        assert (form.width, form.height) == (stream.codec_context.width, stream.codec_context.height)
        built = codec.decoder_config(form)
        assert codec.from_extradata("h264", built) == (4, form.parameter_sets)
        for packet in container.demux(stream):
            if packet.size:
                data = nal.widen_lengths(bytes(packet), size)
                assert codec.is_key("h264", data) is packet.is_keyframe


def test_key_and_sets_are_found_ahead_of_the_slice_only():
    picture = nal.join_length_prefixed([b"\x09\xf0", b"\x67sps", b"\x68pps", b"\x06sei", b"\x65\x88idr", b"\x68late"])
    assert codec.is_key("h264", picture)
    assert codec.parameter_sets_in("h264", picture) == (b"\x67sps", b"\x68pps")
    assert not codec.is_key("h264", nal.join_length_prefixed([b"\x41\x9apic"]))
    assert not codec.is_key("h264", b"")
    irap = nal.join_length_prefixed([b"\x40\x01vps", b"\x42\x01sps", b"\x44\x01pps", b"\x28\x01\x80"])
    assert codec.is_key("h265", irap)
    assert len(codec.parameter_sets_in("h265", irap)) == 3
    assert not codec.is_key("h265", nal.join_length_prefixed([b"\x02\x01\x80"]))


def test_first_slices():
    assert h264.first_slice(b"\x65\x88") and not h264.first_slice(b"\x65\x48") and not h264.first_slice(b"\x67\x88")
    assert h265.first_slice(b"\x26\x01\x80") and not h265.first_slice(b"\x26\x01\x40")


def test_aac_config():
    assert aac.parse_config(bytes.fromhex("1190")) == aac.AacConfig(2, 48000, 2)
    assert aac.build_config(48000, 2) == bytes.fromhex("1190")
    assert aac.codec_string(bytes.fromhex("1190")) == "mp4a.40.2"
    assert aac.parse_config(aac.build_config(12345, 1)).sample_rate == 12345
    for bad in (b"", b"\x11", b"\xff\xff\xff\xff", b"\x11\x80", bytes(100)):
        with pytest.raises(BitstreamError):
            aac.parse_config(bad)


def test_adts_is_taken_off():
    head = (0xFFF1 << 40 | 1 << 38 | 3 << 34 | 2 << 30 | (7 + 5) << 13 | 0x7FF << 2).to_bytes(7, "big")
    config, frame = aac.strip_adts(head + b"frame" + b"next")
    assert (config, frame) == (bytes.fromhex("1190"), b"frame")
    with pytest.raises(BitstreamError):
        aac.strip_adts(head + b"fra")


def test_opus_packet_lengths():
    assert opus.packet_samples(bytes([31 << 3])) == 960
    assert opus.packet_samples(bytes([31 << 3 | 1, 0])) == 1920
    assert opus.packet_samples(bytes([3 << 3])) == 2880
    assert opus.packet_samples(bytes([16 << 3 | 3, 4])) == 480
    for bad in (b"", bytes([31 << 3 | 3]), bytes([31 << 3 | 3, 0]), bytes([3 << 3 | 3, 3])):
        with pytest.raises(BitstreamError):
            opus.packet_samples(bad)
    assert opus.parse_dops(opus.build_dops(AudioFormat("opus", 16000, 1))) == (1, 0, 16000)


@pytest.mark.parametrize(("name", "expand"), [("pcm_alaw", g711.expand_a_law), ("pcm_mulaw", g711.expand_mu_law)])
def test_g711_equals_ffmpeg(name, expand):
    codes = bytes(range(256))
    decoder = av.CodecContext.create(name, "r")
    decoder.sample_rate, decoder.layout = 8000, "mono"
    (frame,) = decoder.decode(av.Packet(codes))
    assert expand(codes) == bytes(frame.planes[0])[:512]
