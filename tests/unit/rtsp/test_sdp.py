"""Session descriptions: ours come back as they were; those of odd cameras are understood as far as they go."""

import pytest

from camward.media.mp4.reader import Mp4File
from camward.media.unit import AudioFormat, StreamFormat, Track, VideoFormat
from camward.rtsp.core.errors import SdpError
from camward.rtsp.core.limits import SdpLimits
from camward.rtsp.core.sdp import build_sdp, control_url, parse_sdp, tracks_of

AAC = AudioFormat("aac", 48_000, 2, bytes.fromhex("1190"))
OPUS = AudioFormat("opus", 48_000, 1)


@pytest.fixture(scope="module")
def video(footage) -> VideoFormat:
    return Mp4File.scan((footage / "car-park.mp4").read_bytes()).tracks[0].form


@pytest.mark.parametrize("audio", [None, AAC, OPUS])
@pytest.mark.parametrize("metadata", [False, True])
def test_ours_come_back_as_they_were(video, audio, metadata: bool) -> None:
    form = StreamFormat(video, audio, metadata)
    found = parse_sdp(build_sdp(form, name="stream1", address="192.0.2.1"))
    assert [media.track for media in found.media] == list(tracks_of(form))
    assert found.control == "*" and found.name == "stream1"
    assert found.media[0].video_format().parameter_sets == video.parameter_sets
    assert [media.control for media in found.media] == [f"trackID={int(track)}" for track in tracks_of(form)]
    if audio is not None:
        assert found.media[1].audio_format() == audio and found.media[1].clock_rate == 48_000
    if metadata:
        assert found.media[-1].track is Track.METADATA and found.media[-1].clock_rate == 90_000


def test_an_odd_camera_s() -> None:
    text = (
        "v=0\no=- 1 1 IN IP4 10.0.0.5\ns=\nx-junk\na=range:npt=0-\n"
        "m=video 0 RTP/AVP 26\n"  # static type, no rtpmap, no control
        "m=audio 0 RTP/AVP 8\na=control:rtsp://10.0.0.5/a\n"
        "m=audio 0 RTP/AVP 0 97\na=rtpmap:97 mpeg4-generic/16000\na=fmtp:97 config=1408 ; SizeLength=13;mode=AAC-hbr\n"
        "m=video 0 RTP/AVP 96\na=rtpmap:96 hevc/90000\na=fmtp:96 sprop-vps=AAAA;sprop-sps=!!;sprop-pps=\n"
        "m=video 0 RTP/AVP 99\na=fmtp:99 sprop-parameter-sets=Z0LAHtkDxWhAAAADAEAAAAwDxYuS,aMuDyyA\n"
        "m=application 0 RTP/AVP 107\na=rtpmap:107 vnd.onvif.metadata/90000\n"
        "m=\nm=audio\nm=audio 0 RTP/AVP many\n"
    )
    jpeg, pcma, aac, hevc, guessed, metadata = parse_sdp(text.replace("\n", "\r")).media
    assert (jpeg.encoding, jpeg.track, jpeg.control) == ("JPEG", None, "")
    assert (pcma.encoding, pcma.clock_rate, pcma.track) == ("PCMA", 8000, Track.AUDIO)
    assert pcma.control == "rtsp://10.0.0.5/a"
    assert aac.payload_type == 97 and aac.parameters["sizelength"] == "13" and aac.audio_format().sample_rate == 16_000
    assert hevc.encoding == "H265" and hevc.video_format() is None
    assert guessed.encoding == "H264" and len(guessed.parameter_sets) == 2
    assert metadata.track is Track.METADATA


def test_limits() -> None:
    with pytest.raises(SdpError):
        parse_sdp("v=0\r\n" * 100, limits=SdpLimits(size=100))
    with pytest.raises(SdpError):
        parse_sdp("<html>not found</html>")
    assert len(parse_sdp("v=0\nm=video 0 RTP/AVP 96\n" + "m=audio 0 RTP/AVP 0\n" * 50).media) == 16
    assert (
        len(parse_sdp("v=0\nm=audio 0 RTP/AVP 0\n" + "".join(f"a=x{i}\n" for i in range(500))).media[0].attributes)
        <= 64
    )


@pytest.mark.parametrize(
    ("base", "control", "url"),
    [
        ("rtsp://c/s", "trackID=1", "rtsp://c/s/trackID=1"),
        ("rtsp://c/s/", "trackID=1", "rtsp://c/s/trackID=1"),
        ("rtsp://c/s?x=1", "trackID=1", "rtsp://c/s?x=1/trackID=1"),
        ("rtsp://c/s/", "*", "rtsp://c/s/"),
        ("rtsp://c/s/", "", "rtsp://c/s/"),
        ("rtsp://c:8554/s/", "/other/1", "rtsp://c:8554/other/1"),
        ("rtsp://c/s/", "RTSP://d/t", "RTSP://d/t"),
    ],
)
def test_control_urls(base: str, control: str, url: str) -> None:
    assert control_url(base, control) == url
