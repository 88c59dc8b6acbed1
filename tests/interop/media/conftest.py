"""Clips made by ffmpeg and the real footage, as access units; and files that our writer makes of them."""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import av
import pytest

from camward.base.clock import NS, Utc
from camward.media import codec, nal
from camward.media.mp4.origin import Origin
from camward.media.mp4.writer import FragmentWriter
from camward.media.unit import VIDEO_CLOCK, AccessUnit, AudioFormat, Flags, StreamFormat, Track

START = 1_760_000_000 * NS
PICTURE = ["-f", "lavfi", "-i", "testsrc2=size=162x122:rate=25:duration=3"]
SOUND = ["-f", "lavfi", "-i", "sine=frequency=440:duration=3"]
X265 = ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error:keyint=25:open-gop=0"]
MADE = {
    "h264-aac": [*PICTURE, *SOUND, "-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-c:a", "aac"],
    "h264-b-opus": [*PICTURE, *SOUND, "-c:v", "libx264", "-preset", "fast", "-bf", "3", "-g", "25", "-c:a", "libopus"],
    "h265-b-aac": [*PICTURE, *SOUND, *X265, "-bf", "3", "-c:a", "aac"],
    "h265": [*PICTURE, *X265, "-bf", "0"],
}
REAL = ("car-park", "cup-with-audio")


@dataclass(frozen=True)
class Clip:
    """A source file and what is in it."""

    path: Path
    form: StreamFormat
    units: tuple[AccessUnit, ...]


def read_clip(path: Path) -> Clip:
    """All packets of a file as access units, ticks from 100 s on."""
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        name = "h264" if video.codec_context.name == "h264" else "h265"
        size, sets = codec.from_extradata(name, video.codec_context.extradata)
        streams, sound = [video], None
        if container.streams.audio:
            audio = container.streams.audio[0]
            streams.append(audio)
            context = audio.codec_context
            if context.name == "aac":
                sound = AudioFormat("aac", context.sample_rate, context.channels, context.extradata)
            else:
                sound = AudioFormat("opus", 48_000, context.channels)
        units = []
        for packet in container.demux(*streams):
            if packet.size == 0:
                continue
            shown = packet.stream is video
            rate = VIDEO_CLOCK if shown else sound.clock_rate
            ticks = round(packet.pts * packet.time_base * rate) + 100 * rate
            data = nal.widen_lengths(bytes(packet), size) if shown else bytes(packet)
            flags = Flags.KEY if packet.is_keyframe or not shown else Flags.NONE
            utc = Utc(START + ticks * NS // rate)
            units.append(AccessUnit(Track.VIDEO if shown else Track.AUDIO, ticks, utc, data, flags))
    return Clip(path, StreamFormat(codec.video_format(name, sets), sound), tuple(units))


def fragments_of(units: tuple[AccessUnit, ...], cut_every: int | None) -> list[list[AccessUnit]]:
    """Cut at key pictures, or blindly every so many units."""
    groups: list[list[AccessUnit]] = [[]]
    for unit in units:
        full = len(groups[-1]) >= cut_every if cut_every else unit.track == Track.VIDEO and unit.key
        if full and groups[-1]:
            groups.append([])
        groups[-1].append(unit)
    return groups


@pytest.fixture(scope="session")
def clips(tmp_path_factory, footage) -> dict[str, Clip]:
    """Name -> clip: H.264 and H.265, with and without B pictures, AAC and Opus, and real footage."""
    folder = tmp_path_factory.mktemp("clips")
    found = {}
    for name, arguments in MADE.items():
        path = folder / f"{name}.mp4"
        quiet = ["ffmpeg", "-v", "error", "-y", *arguments[:8]]
        rest = [*arguments[8:], "-pix_fmt", "yuv420p", str(path)]
        subprocess.run([*quiet, *rest], check=True, timeout=50)
        found[name] = read_clip(path)
    for name in REAL:
        found[name] = read_clip(footage / f"{name}.mp4")
    return found


@pytest.fixture(scope="session")
def record() -> Callable[..., Path]:
    """`record(clip, path)` writes the clip as a recorder would; `cut_every` cuts fragments blindly."""

    def write(clip: Clip, path: Path, *, cut_every: int | None = None, before: bytes = b"") -> Path:
        writer = FragmentWriter(clip.form, Origin("camera", "recorder", 1, 1, clip.units[0].utc))
        groups = fragments_of(clip.units, cut_every)
        size = duration = 0
        with path.open("wb") as file:
            file.write(writer.header())
            for index, units in enumerate(groups):
                following: dict[Track, int] = {}
                for unit in groups[index + 1] if index + 1 < len(groups) else ():
                    following.setdefault(unit.track, unit.ticks)
                fragment = writer.fragment(units, next_ticks=following, before=before)
                file.writelines(fragment.chunks)
                size += fragment.size
                duration += fragment.duration
            offset, patch = writer.reference(size, duration)
            file.seek(offset)
            file.write(patch)
        return path

    return write
