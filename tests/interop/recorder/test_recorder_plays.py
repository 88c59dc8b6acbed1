"""Recordings, files that a power cut tore, and ranges taken out, as ffmpeg and ffprobe see them: exact pictures."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from camward.base.clock import NS, SystemClock, Utc
from camward.media.mp4.origin import Origin
from camward.media.mp4.reader import Mp4File
from camward.media.unit import VIDEO_CLOCK, AccessUnit, AudioFormat, Flags, StreamFormat, Track, VideoFormat
from camward.recorder.files import DiskFiles
from camward.recorder.index import IndexReader, IndexWriter
from camward.recorder.playback import plan
from camward.recorder.recovery import recover_file
from camward.recorder.segment_store import SegmentStore
from camward.recorder.segmenter import Segmenter, SegmenterLimits

X265 = "log-level=error:keyint=40:bframes=0"
START = 1_760_000_000 * NS


def run(*arguments) -> str:
    done = subprocess.run([str(one) for one in arguments], capture_output=True, text=True, timeout=50, check=True)
    assert done.stderr == ""
    return done.stdout


def hashes(path: Path, track: str = "v") -> list[str]:
    """Of each decoded picture, in the order shown."""
    out = run(
        "ffmpeg", "-v", "error", "-i", path, "-map", f"0:{track}", "-fps_mode", "passthrough", "-f", "framemd5", "-"
    )
    return [line.rsplit(",", 1)[1].strip() for line in out.splitlines() if not line.startswith("#")]


def packets(path: Path) -> list[dict]:
    return json.loads(run("ffprobe", "-v", "warning", "-show_packets", "-of", "json", path))["packets"]


@dataclass(frozen=True)
class Clip:
    path: Path
    form: StreamFormat
    units: tuple[AccessUnit, ...]


def read_clip(path: Path) -> Clip:
    """The units of a file, in the order in which a camera would send them."""
    file = Mp4File.scan(path.read_bytes())
    video = next(track for track in file.tracks if isinstance(track.form, VideoFormat))
    audio = next((track for track in file.tracks if isinstance(track.form, AudioFormat)), None)
    units = []
    for sample in file.samples():
        shown = sample.track_id == video.track_id
        if not shown and (audio is None or sample.track_id != audio.track_id):
            continue
        track = video if shown else audio
        rate = VIDEO_CLOCK if shown else audio.form.clock_rate
        ticks = sample.presented * rate // track.timescale + 10 * rate
        flags = Flags.KEY if sample.key or not shown else Flags.NONE
        utc = Utc(START + (ticks - 10 * rate) * NS // rate)
        unit = AccessUnit(Track.VIDEO if shown else Track.AUDIO, ticks, utc, file.read(sample), flags)
        units.append((sample.decode_time / track.timescale, unit))
    units.sort(key=lambda pair: pair[0])
    return Clip(path, StreamFormat(video.form, audio.form if audio else None), tuple(unit for _, unit in units))


@pytest.fixture(scope="module")
def clips(footage, tmp_path_factory) -> dict[str, Clip]:
    """Real footage; also as H.265, and with groups of 10 s and B pictures."""
    folder, source = tmp_path_factory.mktemp("clips"), footage / "car-park.mp4"
    made = {
        "h265": ["-t", "12", "-c:v", "libx265", "-preset", "ultrafast", "-x265-params", X265],
        "long": ["-t", "24", "-c:v", "libx264", "-preset", "veryfast", "-g", "80", "-bf", "2", "-sc_threshold", "0"],
    }
    found = {name: read_clip(footage / f"{name}.mp4") for name in ("car-park", "cup-with-audio")}
    for name, options in made.items():
        path = folder / f"{name}.mp4"
        subprocess.run(
            ["ffmpeg", "-v", "error", "-nostdin", "-i", str(source), "-an", "-vf", "scale=320:-2", *options, str(path)],
            check=True,
        )
        found[name] = read_clip(path)
    return found


class Recorded:
    """Files of a clip, and their index."""

    def __init__(self, folder: Path, clip: Clip, *, segment: float) -> None:
        self.root, self.clip, self.rows = folder / "recordings", clip, {}
        self.root.mkdir()
        self.store = SegmentStore(self.root, DiskFiles())
        self.sequence = 0
        segmenter = Segmenter(begin=self.origin, sink=self, limits=SegmenterLimits(segment=segment))
        segmenter.format(clip.form)
        for unit in clip.units:
            segmenter.take(unit)
        segmenter.end()
        writer = IndexWriter(folder / "index.sqlite", clock=SystemClock())
        writer.put(list(self.rows.values()))
        writer.close()
        self.index = folder / "index.sqlite"

    def origin(self, first_utc: Utc) -> Origin:
        self.sequence += 1
        return Origin("front", "R1", 1, self.sequence, first_utc)

    def ready(self) -> bool:
        return True

    def append(self, segment, fragment) -> bool:
        self.store.append(segment, fragment)
        self.flush()
        return True

    def finish(self, segment) -> None:
        self.store.finish(segment)
        self.flush()

    def flush(self) -> None:
        self.rows.update((row.path, row) for row in self.store.flush().rows)

    @property
    def paths(self) -> list[Path]:
        return [self.root / path for path in self.rows]

    def cut_out(self, begin: float, end: float, to: Path) -> Path:
        reader = IndexReader(self.index)
        times = {"from_utc": START + round(begin * NS), "to_utc": START + round(end * NS)}
        media = plan(reader, self.root, camera="front", stream="stream1", one_init=True, **times)
        to.write_bytes(b"".join(media.read()))
        assert to.stat().st_size == media.size
        reader.close()
        return to


@pytest.mark.parametrize("name", ["car-park", "cup-with-audio", "h265", "long"])
def test_recorded_pictures_are_the_sources_pictures(clips, tmp_path, name):
    recorded = Recorded(tmp_path, clips[name], segment=4.0)
    assert len(recorded.paths) >= 2
    assert [one for path in recorded.paths for one in hashes(path)] == hashes(clips[name].path)


@pytest.mark.parametrize("name", ["car-park", "cup-with-audio", "h265", "long"])
def test_a_range_over_many_files_is_one_film(clips, tmp_path, name):
    recorded = Recorded(tmp_path, clips[name], segment=4.0)
    path = recorded.cut_out(0, 3600, tmp_path / "range.mp4")
    assert hashes(path) == hashes(clips[name].path)
    shown = [one for one in packets(path) if one["codec_type"] == "video"]
    meant = sorted(unit.ticks for unit in clips[name].units if unit.track is Track.VIDEO)
    times = sorted(int(one["pts"]) for one in shown)
    assert max(abs((a - times[0]) - (b - meant[0])) for a, b in zip(times, meant, strict=True)) <= 2
    if clips[name].form.audio is not None:
        assert len(hashes(path, "a")) >= 0.98 * len(hashes(clips[name].path, "a"))


def test_a_part_of_it_begins_at_a_key_picture(clips, tmp_path):
    recorded = Recorded(tmp_path, clips["car-park"], segment=10.0)
    whole = hashes(clips["car-park"].path)
    path = recorded.cut_out(17.3, 33.0, tmp_path / "part.mp4")
    part = hashes(path)
    at = whole.index(part[0])
    assert part == whole[at : at + len(part)]
    assert len(part) >= 15.7 * clips["car-park"].form.video.frame_rate * 0.9
    assert packets(path)[0]["flags"].startswith("K")


@pytest.mark.parametrize("name", ["car-park", "cup-with-audio", "h265"])
def test_files_that_a_power_cut_tore_play_up_to_the_last_whole_fragment(clips, tmp_path, name):
    recorded = Recorded(tmp_path, clips[name], segment=600.0)
    [path] = recorded.paths
    whole, pictures = path.read_bytes(), hashes(clips[name].path)
    fragments = Mp4File.scan(whole).fragments
    for number in (1, len(fragments) // 2, len(fragments) - 1):
        fragment = fragments[number]
        middle = fragment.start + fragment.size // 2
        for tail in (whole[fragment.start : middle], whole[fragment.start : middle] + bytes(fragment.end - middle)):
            path.write_bytes(whole[: fragment.start] + tail)
            row = recover_file(recorded.root, str(path.relative_to(recorded.root)))
            assert row.size == path.stat().st_size == fragment.start
            kept = hashes(path)
            assert kept == pictures[: len(kept)]
            assert len(kept) == sum(one.track_id == 1 for part in fragments[:number] for one in part.samples())


def test_a_file_that_is_being_recorded_plays_as_it_is(clips, tmp_path):
    """Nothing is needed on close: a copy of a growing file is a film."""
    recorded = Recorded(tmp_path, clips["car-park"], segment=600.0)
    [path] = recorded.paths
    whole = path.read_bytes()
    copy = tmp_path / "copy.mp4"
    fragment = Mp4File.scan(whole).fragments[9]
    copy.write_bytes(whole[: fragment.end])
    kept = hashes(copy)
    assert kept == hashes(clips["car-park"].path)[: len(kept)] and len(kept) > 100
