"""Which of a server's tracks we take, and what receives each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from camward.base.clock import Utc
from camward.media import aac
from camward.media.bits import BitstreamError
from camward.media.unit import VIDEO_CLOCK, AccessUnit, AudioFormat, Flags, StreamFormat, Track, VideoFormat
from camward.rtsp.core.client_errors import AnswerError
from camward.rtsp.core.depacketizer import (
    AacDepacketizer,
    Depacketizer,
    DepacketizerLimits,
    DocumentDepacketizer,
    H264Depacketizer,
    H265Depacketizer,
    PacketDepacketizer,
    PayloadError,
)
from camward.rtsp.core.reception import Reception
from camward.rtsp.core.sdp import MediaDescription, SessionDescription
from camward.rtsp.core.timeline import AlignedClock, Moment, TimelineLimits, TrackClock

G711 = ("PCMA", "PCMU")


@dataclass(frozen=True, slots=True)
class RawAudio:
    """Audio that is no track of ours until someone has encoded it: G.711.

    Args:
        encoding: "PCMA" (A-law) or "PCMU" (mu-law), 8000 samples per second as a rule.
        utc: of the first sample.
        data: one byte per sample.
    """

    encoding: str
    sample_rate: int
    utc: Utc
    data: bytes


@dataclass(frozen=True, slots=True)
class Arrival:
    """When the bytes that are being read came."""

    now: float
    utc: Utc


@dataclass(slots=True)
class Choice:
    """A track to set up."""

    track: Track
    media: MediaDescription
    reception: Reception
    clock: TrackClock


@dataclass(slots=True)
class Receivers:
    """Makes the receptions of one session, which share a timeline and the present arrival.

    Args:
        on_format: told the whole format, ahead of the first picture and at each change.
        on_unit: gets each unit.
        on_lost: told of each loss.
        on_raw_audio: gets G.711; without it such a track isn't set up.
        notes: what of the stream was left out, and why; filled in `choose`.
    """

    on_format: Callable[[StreamFormat], None]
    on_unit: Callable[[AccessUnit], None]
    on_lost: Callable[[str], None]
    on_raw_audio: Callable[[RawAudio], None] | None
    timeline: TimelineLimits
    limits: DepacketizerLimits
    arrival: Arrival = field(default_factory=lambda: Arrival(0.0, Utc(0)))
    notes: list[str] = field(default_factory=list)
    _audio: AudioFormat | None = None
    _metadata: bool = False

    def choose(self, description: SessionDescription) -> list[Choice]:
        """The first track of each kind that we can receive.

        Raises:
            AnswerError: there is no video among them.
        """
        offered = [(media.track, media) for media in description.media]
        video = next((media for track, media in offered if track is Track.VIDEO), None)
        if video is None:
            names = ", ".join(sorted({m.encoding[:20] for m in description.media if m.kind == "video" and m.encoding}))
            raise AnswerError(
                "The camera offers no video that we know",
                why=f"it offers {names}" if names else "its description names no video",
                next="Set the camera to H.264 or H.265",
            )
        chosen = [self._video(video)]
        for track, media in offered:
            if track in (Track.AUDIO, Track.METADATA) and track not in [choice.track for choice in chosen]:
                choice = self._beside(track, media, chosen[0].clock)
                if choice is not None:
                    chosen.append(choice)
            elif track is None and media.kind == "audio":
                self.notes.append(f"audio of the form {media.encoding[:20] or 'unknown'} is left out")
        return chosen

    def drop(self, choice: Choice, why: str) -> None:
        """The server didn't set up a track that isn't the video."""
        if choice.track is Track.AUDIO:
            self._audio = None
        elif choice.track is Track.METADATA:
            self._metadata = False
        self.notes.append(f"{choice.track.name.lower()} is left out: {why}")

    def _video(self, media: MediaDescription) -> Choice:
        clock = TrackClock(rate=media.clock_rate or VIDEO_CLOCK, ticks_rate=VIDEO_CLOCK, limits=self.timeline)

        def place(stamp: int, key: bool) -> Moment | None:  # noqa: FBT001 (a callback)
            return clock.place(stamp, arrived=self.arrival.utc, now=self.arrival.now, may_step=key)

        reception = self._reception(Track.VIDEO, media, clock, place)
        kind = H264Depacketizer if media.encoding == "H264" else H265Depacketizer
        reception.start(
            kind(
                emit=reception.give,
                on_format=self._formed,
                parameter_sets=media.parameter_sets,
                limits=self.limits,
            )
        )
        return Choice(Track.VIDEO, media, reception, clock)

    def _formed(self, video: VideoFormat) -> None:
        self.on_format(StreamFormat(video, self._audio, self._metadata))

    def _beside(self, track: Track, media: MediaDescription, video: TrackClock) -> Choice | None:
        """A reception for audio or metadata; None, and a note, when it can't be received."""
        form = media.audio_format() if track is Track.AUDIO else None
        raw = media.encoding in G711
        if track is Track.AUDIO and (form is None and (not raw or self.on_raw_audio is None)):
            self.notes.append(f"audio of the form {media.encoding} is left out")
            return None
        ticks_rate = form.clock_rate if form else VIDEO_CLOCK
        clock = TrackClock(rate=media.clock_rate or ticks_rate, ticks_rate=ticks_rate, limits=self.timeline)
        aligned = AlignedClock(clock, video, ticks_rate=ticks_rate, limits=self.timeline)

        def place(stamp: int, key: bool) -> Moment | None:  # noqa: FBT001 (a callback)
            return aligned.place(stamp, arrived=self.arrival.utc, now=self.arrival.now)

        reception = self._reception(track, media, clock, place)
        try:
            reception.start(self._depacketizer(media, form, clock, reception))
        except (PayloadError, BitstreamError) as error:
            self.notes.append(f"{track.name.lower()} is left out: {error.what}")
            return None
        if form is not None:
            self._audio = form
        elif track is Track.METADATA:
            self._metadata = True
        return Choice(track, media, reception, clock)

    def _depacketizer(
        self, media: MediaDescription, form: AudioFormat | None, clock: TrackClock, reception: Reception
    ) -> Depacketizer:
        if form is None:
            if media.track is Track.METADATA:
                return DocumentDepacketizer(emit=reception.give, limits=self.limits)
            return PacketDepacketizer(emit=self._raw(media, clock))
        if form.codec == "opus":
            return PacketDepacketizer(emit=reception.give)
        samples = aac.parse_config(form.config).frame_samples
        frame = samples * (media.clock_rate or form.sample_rate) // form.sample_rate
        return AacDepacketizer(media.parameters, frame=frame, emit=reception.give, limits=self.limits)

    def _raw(self, media: MediaDescription, clock: TrackClock) -> Callable[[int, bytes, Flags], None]:
        give = self.on_raw_audio
        assert give is not None

        def emit(stamp: int, data: bytes, flags: Flags) -> None:
            moment = clock.place(stamp, arrived=self.arrival.utc, now=self.arrival.now, may_step=True)
            give(RawAudio(media.encoding, media.clock_rate, moment.utc, data))

        return emit

    def _reception(
        self, track: Track, media: MediaDescription, clock: TrackClock, place: Callable[[int, bool], Moment | None]
    ) -> Reception:
        reception = Reception(
            track,
            payload_type=media.payload_type,
            place=place,
            on_unit=self.on_unit,
            on_lost=self.on_lost if track is Track.VIDEO else _ignore,
        )
        reception.on_restart = clock.restart
        return reception


def _ignore(reason: str) -> None:
    """A lost audio packet is heard, not reported."""


def rtp_info(value: str, controls: Sequence[str]) -> dict[int, int]:
    """The timestamps of an `RTP-Info` header (RFC 2326 12.33), by the place of their track in `controls`.

    Entries are matched by the end of their URL; where that fails and there are as many entries as tracks, by order.
    What can't be read is left out.
    """
    entries: list[tuple[str, int]] = []
    for part in value.split("url=")[1:17]:
        url, *fields = part.rstrip(" ,").split(";")
        for name, _, number in (item.strip().partition("=") for item in fields):
            digits = number.strip(" ,")
            if name == "rtptime" and digits.isascii() and digits.isdigit() and len(digits) <= 10:
                entries.append((url.strip(' "'), int(digits) & 0xFFFF_FFFF))
                break
    found: dict[int, int] = {}
    for order, (url, time) in enumerate(entries):
        index = next((i for i, control in enumerate(controls) if control and url.endswith(control)), None)
        if index is None and len(entries) == len(controls):
            index = order
        if index is not None:
            found.setdefault(index, time)
    return found
