"""ffmpeg, ffprobe and PyAV read the files that we write: same packets, same times, same pictures, no complaint."""

import json
import subprocess
from itertools import pairwise

import av
import pytest

from camward.media.mp4.boxes import uuid_box
from camward.media.mp4.reader import Mp4File
from camward.media.mp4.recovery import recover
from camward.media.unit import VIDEO_CLOCK, Track

NAMES = ["h264-aac", "h264-b-opus", "h265-b-aac", "h265", "car-park", "cup-with-audio"]


def run(*arguments) -> str:
    done = subprocess.run([str(one) for one in arguments], capture_output=True, text=True, timeout=50, check=True)
    assert done.stderr == ""
    return done.stdout


def frame_hashes(path) -> list[str]:
    """The hash of each picture, in the order shown."""
    out = run("ffmpeg", "-v", "error", "-i", path, "-map", "0:v", "-fps_mode", "passthrough", "-f", "framemd5", "-")
    return [line.rsplit(",", 1)[1].strip() for line in out.splitlines() if not line.startswith("#")]


def packets(path, *, level: str = "warning") -> dict[str, list[dict]]:
    found: dict[str, list[dict]] = {}
    for packet in json.loads(run("ffprobe", "-v", level, "-show_packets", "-of", "json", path))["packets"]:
        found.setdefault(packet["codec_type"], []).append(packet)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_packets_and_pictures_are_the_same(clips, record, tmp_path, name):
    clip = clips[name]
    path = record(clip, tmp_path / "out.mp4", before=uuid_box(bytes(range(16)), b"a countersignature"))
    assert run("ffmpeg", "-v", "warning", "-i", path, "-f", "null", "-") == ""
    assert frame_hashes(path) == frame_hashes(clip.path)
    found = packets(path)
    zero = Mp4File.scan(path.read_bytes())
    for kind, track in (("video", Track.VIDEO), ("audio", Track.AUDIO)):
        written = [unit for unit in clip.units if unit.track == track]
        got = found.get(kind, [])
        assert [int(packet["size"]) for packet in got] == [len(unit.data) for unit in written]
        assert [packet["flags"][0] == "K" for packet in got] == [unit.key for unit in written]
        shift = {int(packet["pts"]) - unit.ticks for packet, unit in zip(got, written, strict=True)}
        assert len(shift) <= 1
        assert all(int(a["dts"]) < int(b["dts"]) for a, b in pairwise(got))
    assert len(zero.fragments) > 1


@pytest.mark.parametrize("name", ["h264-b-opus", "h265-b-aac"])
@pytest.mark.parametrize("cut_every", [3, 7])
def test_fragments_cut_between_b_pictures_keep_every_time(clips, record, tmp_path, name, cut_every):
    clip = clips[name]
    path = record(clip, tmp_path / "out.mp4", cut_every=cut_every)
    assert frame_hashes(path) == frame_hashes(clip.path)
    file = Mp4File.scan(path.read_bytes())
    for kind, track in (("video", Track.VIDEO), ("audio", Track.AUDIO)):
        written = [unit for unit in clip.units if unit.track == track]
        got = [sample for sample in file.samples() if sample.track_id == track + 1]
        assert len({sample.presented - unit.ticks for sample, unit in zip(got, written, strict=True)}) == 1
        # ffmpeg moves what it shows by the largest negative offset met so far, so only its order is compared; and it
        # warns of uneven decode times, which are the price of cutting here.
        shown = packets(path, level="error")[kind]
        assert [int(packet["size"]) for packet in shown] == [len(unit.data) for unit in written]
        assert all(int(a["dts"]) < int(b["dts"]) for a, b in pairwise(shown))


def test_sound_and_picture_stay_together(clips, record, tmp_path):
    clip = clips["cup-with-audio"]
    found = packets(record(clip, tmp_path / "out.mp4"))
    first = {track: next(unit for unit in clip.units if unit.track == track) for track in (Track.VIDEO, Track.AUDIO)}
    meant = first[Track.AUDIO].ticks / clip.form.audio.clock_rate - first[Track.VIDEO].ticks / VIDEO_CLOCK
    is_now = float(found["audio"][0]["pts_time"]) - float(found["video"][0]["pts_time"])
    assert abs(is_now - meant) < 1 / 40_000


def test_pyav_seeks_and_reads_the_bytes(clips, record, tmp_path):
    clip = clips["car-park"]
    path = record(clip, tmp_path / "out.mp4")
    with av.open(str(path)) as container:
        assert abs(container.duration / 1e6 - 60) < 0.2
        stream = container.streams.video[0]
        got = [bytes(packet) for packet in container.demux(stream) if packet.size]
        assert got == [unit.data for unit in clip.units]
        container.seek(int(41 / stream.time_base), stream=stream)
        packet = next(container.demux(stream))
        assert packet.is_keyframe and 38 <= float(packet.pts * stream.time_base) <= 41


@pytest.mark.parametrize("name", NAMES)
def test_our_reader_reads_what_ffmpeg_writes(clips, tmp_path, name):
    clip = clips[name]
    fragmented = tmp_path / "fragmented.mp4"
    how = ("-c", "copy", "-movflags", "frag_keyframe+empty_moov+default_base_moof")
    run("ffmpeg", "-v", "error", "-i", clip.path, *how, fragmented)
    for path in (clip.path, fragmented):
        file = Mp4File.scan(path.read_bytes())
        handler = {"vide": Track.VIDEO, "soun": Track.AUDIO}
        for track in file.tracks:
            got = {file.read(sample) for sample in file.samples() if sample.track_id == track.track_id}
            assert got >= {unit.data for unit in clip.units if unit.track == handler[track.handler]}
            if track.handler == "vide":
                assert (track.form.width, track.form.height) == (clip.form.video.width, clip.form.video.height)


def test_recovered_files_play(clips, record, tmp_path):
    whole = record(clips["h264-aac"], tmp_path / "whole.mp4").read_bytes()
    path = tmp_path / "cut.mp4"
    hashes = frame_hashes(clips["h264-aac"].path)
    fragments = Mp4File.scan(whole).fragments
    for fragment in fragments[2:]:  # the first has sound only
        path.write_bytes(whole[: fragment.end - 9 & -512] + bytes(4096))
        kept = recover(path)
        assert kept.size == fragment.start
        got = frame_hashes(path)
        assert got == hashes[: len(got)] and len(got) >= 20
        assert (
            abs(float(run("ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", path))) > 0.5
        )
