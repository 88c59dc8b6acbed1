"""A file as a camera: looped, paced by its own time stamps, its coded pictures untouched."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av

from camward.base.clock import Clock
from camward.camera.worker.inband import has_sequence, is_leading, with_parameter_sets
from camward.camera.worker.stage import RawVideo, SourceError, SourceForm, Stage
from camward.camera.worker.timeline import Run, Timeline
from camward.media import aac, codec
from camward.media.bits import BitstreamError
from camward.media.codec import VideoCodec
from camward.media.nal import from_annexb, widen_lengths
from camward.media.unit import VIDEO_CLOCK, AccessUnit, AudioFormat, Flags, Track, VideoFormat

if TYPE_CHECKING:
    from camward.camera.worker.sound import SoundCoder

_PASSED: dict[str, VideoCodec] = {"h264": "h264", "hevc": "h265"}
_LATE = 3.0
_HOLE = Fraction(4)
_INTERLEAVE, _HELD = Fraction(3, 2), 2000


@dataclass(slots=True)
class Tracks:
    """The streams of an open container that we use, and how."""

    video: av.VideoStream
    audio: av.AudioStream | None
    name: VideoCodec | None
    length_size: int
    sets: tuple[bytes, ...]
    sound: AudioFormat | None
    coder: SoundCoder | None = None
    announced: SourceForm | None = None


class FileSource:
    """Plays a file for ever; opened anew for each round, so a replaced file is taken at the next one."""

    def __init__(self, path: Path, *, timeline: Timeline, clock: Clock) -> None:
        self._path, self._timeline, self._clock = path, timeline, clock
        self._form: SourceForm | None = None

    def run(self, stage: Stage, stop: threading.Event) -> None:
        """See `Source.run`."""
        run, done = self._timeline.start(), Fraction(0)
        while not stop.is_set():
            with self._open() as container:
                round_ = _Round(container, self, run, done, stage, stop)
                length = round_.play()
                run = round_.run
            if length <= 0 and not stop.is_set():
                raise SourceError(f"There is no picture in {self._path}")
            done = round_.done

    def _open(self) -> av.container.InputContainer:
        try:
            return av.open(str(self._path), options={"fflags": "+genpts", "protocol_whitelist": "file"})
        except FileNotFoundError:
            raise SourceError(f"There is no file {self._path}") from None
        except OSError as error:  # FFmpeg's errors about the system are these too
            raise SourceError(f"The file {self._path} can't be opened: {error.strerror or error}") from None
        except (av.error.FFmpegError, ValueError) as error:
            raise SourceError(f"The file {self._path} can't be read: {error}") from None

    def announce(self, form: SourceForm, stage: Stage) -> None:
        """Tell the stage, if it is news."""
        if form != self._form:
            if self._form is not None:
                stage.on_lost("The file was replaced by one of another form")
            self._form = form
            stage.on_form(form)

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    @property
    def clock(self) -> Clock:
        """The clock to pace by."""
        return self._clock

    @property
    def timeline(self) -> Timeline:
        """Where times come from."""
        return self._timeline


class _Round:
    """The file once from start to end."""

    def __init__(
        self,
        container: av.container.InputContainer,
        source: FileSource,
        run: Run,
        done: Fraction,
        stage: Stage,
        stop: threading.Event,
    ) -> None:
        self._container, self._source, self._stage, self._stop = container, source, stage, stop
        self.run, self.done = run, done
        self._tracks = inspect(container)
        self._zero: Fraction | None = None
        self._delay = Fraction(0)
        self._newest = Fraction(-1)
        self._last_due = done
        self._leading = True
        self._rate = float(self._tracks.video.average_rate or self._tracks.video.guessed_rate or 25)
        self._step = 1 / Fraction(self._rate).limit_denominator(1000)
        self._untimed = Fraction(0)

    def play(self) -> Fraction:
        """Give everything, paced; how long it was."""
        end = self.done
        for packet in self._packets():
            if self._stop.is_set():
                break
            at, decoding = self._times(packet)
            if self._zero is None and not self._begin(packet, at, decoding):
                continue
            assert self._zero is not None
            self._pace(packet, decoding - self._zero + self._delay + self.done)
            if self._stop.is_set():
                break
            offset = at - self._zero + self.done
            if packet.stream is self._tracks.video:
                self._picture(packet, offset)
            elif offset >= self.done:
                self._sound(packet, offset)
            end = max(end, offset + (_seconds(packet.duration, packet) or self._step))
        length, self.done = end - self.done, end
        return length

    def _times(self, packet: Any) -> tuple[Fraction, Fraction]:
        """Presentation and decoding time; a bare stream has none, so its pictures follow one another."""
        at = _seconds(packet.pts if packet.pts is not None else packet.dts, packet)
        decoding = _seconds(packet.dts if packet.dts is not None else packet.pts, packet)
        if at is None or decoding is None:
            at = decoding = self._untimed
            self._untimed += _seconds(packet.duration, packet) or self._step
        return at, decoding

    def _packets(self) -> Iterator[Any]:
        tracks = self._tracks
        used = [stream for stream in (tracks.video, tracks.audio) if stream is not None]
        try:
            packets = (packet for packet in self._container.demux(*used) if packet.size)
            yield from packets if len(used) == 1 else in_time_order(packets)
        except (av.error.FFmpegError, OSError) as error:
            raise SourceError(f"The file {self._source.path} can't be read on: {error}") from None

    def _begin(self, packet: Any, at: Fraction, decoding: Fraction) -> bool:
        """The round begins at the first key picture."""
        tracks = self._tracks
        if packet.stream is not tracks.video:
            return False
        if tracks.name is None:
            if not packet.is_keyframe:
                return False
        else:
            data = self._data(packet)
            if not codec.is_key(tracks.name, data):
                return False
            in_band = codec.parameter_sets_in(tracks.name, data)
            if has_sequence(tracks.name, in_band):
                tracks.sets = in_band
        self._zero, self._delay = at, max(Fraction(0), at - decoding)
        self._source.announce(self._form(), self._stage)
        return True

    def _form(self) -> SourceForm:
        tracks = self._tracks
        if tracks.name is None:
            context = tracks.video.codec_context
            why = f"the source is coded as {context.name}"
            return SourceForm(RawVideo(context.width, context.height, self._rate, why), tracks.sound)
        form = codec.video_format(tracks.name, tracks.sets)
        rate = round(self._rate, 3)
        return SourceForm(VideoFormat(form.codec, form.width, form.height, form.parameter_sets, rate), tracks.sound)

    def _pace(self, packet: Any, due: Fraction) -> None:
        """Wait until it is time; a hole in the file, or having been asleep, moves the rest."""
        assert self._zero is not None
        if packet.stream is self._tracks.video:
            if due - self._last_due > _HOLE or due < self._last_due - _HOLE:
                self._zero += due - self._last_due - self._step
                due = self._last_due + self._step
            self._last_due = due
        clock = self._source.clock
        wait = self.run.due(due) - clock.monotonic()
        if wait > 0:
            self._stop.wait(wait)
        elif wait < -_LATE and packet.stream is self._tracks.video:
            fresh = self._source.timeline.start()
            self.run = Run(self._source.timeline, fresh.begin - due)

    def _data(self, packet: Any) -> bytes:
        data, size = bytes(packet), self._tracks.length_size
        try:
            return widen_lengths(data, size) if size else from_annexb(data)
        except BitstreamError:
            return b""

    def _picture(self, packet: Any, offset: Fraction) -> None:
        tracks = self._tracks
        if tracks.name is None:
            for picture in tracks.video.decode(packet):
                seconds = _seconds(picture.pts, picture)
                if seconds is not None and self._zero is not None:
                    ticks, utc = self.run.stamp(seconds - self._zero + self.done, VIDEO_CLOCK)
                    self._stage.on_picture(picture, ticks, utc)
            return
        data = self._data(packet)
        if not data:
            return
        key = codec.is_key(tracks.name, data)
        if key:
            self._leading = offset == self.done
            self._renew(data)
            if offset <= self._newest:
                raise SourceError(f"The times in {self._source.path} go backwards")
            data = with_parameter_sets(tracks.name, tracks.sets, data)
        elif self._leading and is_leading(tracks.name, data):
            return
        self._newest = max(self._newest, offset)
        ticks, utc = self.run.stamp(offset, VIDEO_CLOCK)
        self._stage.on_unit(AccessUnit(Track.VIDEO, ticks, utc, data, Flags.KEY if key else Flags.NONE))

    def _renew(self, data: bytes) -> None:
        """Parameter sets may change in the middle of a file."""
        assert self._tracks.name is not None
        in_band = codec.parameter_sets_in(self._tracks.name, data)
        if has_sequence(self._tracks.name, in_band) and in_band != self._tracks.sets:
            self._tracks.sets = in_band
            self._source.announce(self._form(), self._stage)

    def _sound(self, packet: Any, offset: Fraction) -> None:
        tracks = self._tracks
        if tracks.sound is None or tracks.audio is None:
            return
        if tracks.coder is not None:
            for frame in tracks.audio.decode(packet):
                for data, at in tracks.coder.code(frame, offset):
                    if at >= self.done:
                        self._give_sound(data, at)
                offset += Fraction(frame.samples, frame.sample_rate)
            return
        data = bytes(packet)
        if tracks.sound.codec == "aac" and data[:1] == b"\xff" and not tracks.audio.codec_context.extradata:
            data = aac.strip_adts(data)[1]
        self._give_sound(data, offset)

    def _give_sound(self, data: bytes, offset: Fraction) -> None:
        assert self._tracks.sound is not None
        ticks, utc = self.run.stamp(offset, self._tracks.sound.clock_rate)
        self._stage.on_unit(AccessUnit(Track.AUDIO, ticks, utc, data, Flags.KEY))


def in_time_order(packets: Iterable[Any]) -> Iterator[Any]:
    """Packets of several tracks by decoding time, even where the file keeps a second of each track in a row."""
    held: list[tuple[Fraction, int, Any]] = []
    newest = Fraction(0)
    for number, packet in enumerate(packets):
        at = _seconds(packet.dts if packet.dts is not None else packet.pts, packet)
        newest = newest if at is None else at
        heapq.heappush(held, (newest, number, packet))
        while newest - held[0][0] > _INTERLEAVE or len(held) > _HELD:
            yield heapq.heappop(held)[2]
    while held:
        yield heapq.heappop(held)[2]


def _seconds(value: int | None, timed: Any) -> Fraction | None:
    return None if value is None or timed.time_base is None else value * Fraction(timed.time_base)


def inspect(container: av.container.InputContainer) -> Tracks:
    """Which tracks there are, and whether they pass as they are.

    Raises:
        SourceError: there is no video.
    """
    if not container.streams.video:
        raise SourceError("There is no video in the source")
    video = container.streams.video[0]
    name = _PASSED.get(video.codec_context.name)
    size, sets = 0, tuple[bytes, ...]()
    extradata = video.codec_context.extradata
    if name is not None and extradata:
        try:
            size, sets = codec.from_extradata(name, extradata)
        except BitstreamError as error:
            raise SourceError(f"The source's video can't be understood: {error.what}") from None
    tracks = Tracks(video, None, name, size, sets, None)
    if container.streams.audio:
        tracks.audio = container.streams.audio[0]
        _inspect_sound(tracks, tracks.audio)
    return tracks


def _inspect_sound(tracks: Tracks, audio: av.AudioStream) -> None:
    context = audio.codec_context
    try:
        if context.name == "opus" and context.channels <= 2:
            tracks.sound = AudioFormat("opus", 48_000, context.channels)
            return
        if context.name == "aac":
            config = context.extradata or aac.build_config(context.sample_rate, context.channels)
            tracks.sound = aac.audio_format(config)
            return
    except BitstreamError:
        pass
    from camward.camera.worker.sound import SoundCoder  # only where it is needed

    try:
        tracks.coder = SoundCoder(context.sample_rate, context.channels)
    except (av.error.FFmpegError, ValueError, BitstreamError):
        return
    tracks.sound = tracks.coder.form
