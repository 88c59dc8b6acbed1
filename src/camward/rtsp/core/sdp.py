"""Session descriptions (SDP, RFC 8866): built for our streams, read from any camera.

The reader takes what cameras really send: bare LF, no `a=control`, no `a=rtpmap` for static payload types, parameter
sets missing or broken, unknown lines. What can't be understood is left out; only size and a missing start are errors.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

from camward.media import aac, h264, h265
from camward.media.bits import BitstreamError
from camward.media.unit import VIDEO_CLOCK, AudioFormat, StreamFormat, Track, VideoFormat
from camward.rtsp.core.errors import SdpError
from camward.rtsp.core.limits import SDP_LIMITS, SdpLimits

PAYLOAD_TYPES = {Track.VIDEO: 96, Track.AUDIO: 97, Track.METADATA: 98}
"""What we send each track as."""
METADATA_ENCODING = "VND.ONVIF.METADATA"

_STATIC: Mapping[int, tuple[str, int, int]] = {
    0: ("PCMU", 8000, 1),
    3: ("GSM", 8000, 1),
    8: ("PCMA", 8000, 1),
    9: ("G722", 8000, 1),
    10: ("L16", 44100, 2),
    11: ("L16", 44100, 1),
    14: ("MPA", 90000, 1),
    26: ("JPEG", 90000, 1),
    32: ("MPV", 90000, 1),
    33: ("MP2T", 90000, 1),
}
"""RFC 3551 6: types that need no rtpmap."""


@dataclass(frozen=True, slots=True)
class MediaDescription:
    """One track that a server offers.

    Args:
        kind: "video", "audio", "application", …
        payload_type: of its RTP packets.
        encoding: upper-case name as in `a=rtpmap`; empty when nothing tells.
        clock_rate: ticks per second of its RTP timestamps.
        channels: of audio.
        parameters: of `a=fmtp`, names in lower case.
        control: `a=control`, or empty.
        attributes: all others, first value of each name.
    """

    kind: str
    payload_type: int
    encoding: str
    clock_rate: int
    channels: int = 1
    parameters: Mapping[str, str] = field(default_factory=dict)
    control: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def track(self) -> Track | None:
        """Which of our tracks it can become; None for what we don't know."""
        if self.kind == "video" and self.encoding in ("H264", "H265"):
            return Track.VIDEO
        if self.kind == "audio" and self.encoding in ("MPEG4-GENERIC", "OPUS", "PCMA", "PCMU"):
            return Track.AUDIO
        return Track.METADATA if METADATA_ENCODING in self.encoding else None

    @property
    def parameter_sets(self) -> tuple[bytes, ...]:
        """SPS and PPS (H.265: VPS, SPS, PPS) of the description; empty where it has none that can be decoded."""
        if self.encoding == "H265":
            texts = [self.parameters.get(f"sprop-{name}", "") for name in ("vps", "sps", "pps")]
        else:
            texts = [self.parameters.get("sprop-parameter-sets", "")]
        found = [_base64(part) for text in texts for part in text.split(",")]
        return tuple(nal for nal in found if nal)

    def video_format(self) -> VideoFormat | None:
        """The format that the description's parameter sets tell; None when they don't."""
        try:
            if self.encoding == "H264":
                return h264.video_format(self.parameter_sets)
            return h265.video_format(self.parameter_sets) if self.encoding == "H265" else None
        except BitstreamError:
            return None

    def audio_format(self) -> AudioFormat | None:
        """The format of AAC and Opus audio; None for others and for what can't be read."""
        if self.encoding == "OPUS":
            return AudioFormat("opus", 48_000, 2 if self.parameters.get("sprop-stereo") == "1" else 1)
        if self.encoding != "MPEG4-GENERIC":
            return None
        try:
            return aac.audio_format(bytes.fromhex(self.parameters.get("config", "")))
        except (ValueError, BitstreamError):
            return None


@dataclass(frozen=True, slots=True)
class SessionDescription:
    """What a server offers.

    Args:
        name: `s=`.
        control: the session's own `a=control`, or empty.
        media: the tracks in their order.
    """

    name: str
    control: str
    media: tuple[MediaDescription, ...]


def parse_sdp(text: str | bytes, *, limits: SdpLimits = SDP_LIMITS) -> SessionDescription:
    """Read a description.

    Raises:
        SdpError: too long, or nothing in it looks like one.
    """
    if len(text) > limits.size:
        raise SdpError("The session description is too long")
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    sections: list[list[tuple[str, str]]] = [[]]
    for line in text.replace("\r", "\n").split("\n"):
        key, equals, value = line.strip().partition("=")
        if not equals or len(key) != 1:
            continue
        if key == "m":
            sections.append([])
        if len(sections) <= limits.media + 1 and len(sections[-1]) <= limits.attributes:
            sections[-1].append((key, value.strip()))
    head, *media = sections
    if not media and not any(key == "v" for key, _ in head):
        raise SdpError("This is no session description")
    name = next((value for key, value in head if key == "s"), "")
    found = [_media(lines) for lines in media[: limits.media]]
    return SessionDescription(name, _attributes(head).get("control", ""), tuple(m for m in found if m is not None))


def _attributes(lines: Sequence[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in lines:
        if key == "a":
            name, _, rest = value.partition(":")
            found.setdefault(name.strip().lower(), rest.strip())
    return found


def _media(lines: Sequence[tuple[str, str]]) -> MediaDescription | None:
    kind, *words = lines[0][1].split() or [""]
    types = [number for word in words[2:] if (number := _small(word)) is not None]
    if not types:
        return None
    maps = _by_type(lines, "rtpmap")
    formats = _by_type(lines, "fmtp")
    payload_type = next((number for number in types if number in maps), types[0])
    parameters = _parameters(formats.get(payload_type, ""))
    encoding, clock, channels = _encoding(kind.lower(), payload_type, maps.get(payload_type, ""), parameters)
    attributes = {n: v for n, v in _attributes(lines).items() if n not in ("rtpmap", "fmtp", "control")}
    control = _attributes(lines).get("control", "")
    return MediaDescription(kind.lower(), payload_type, encoding, clock, channels, parameters, control, attributes)


def _by_type(lines: Sequence[tuple[str, str]], name: str) -> dict[int, str]:
    """Values of `a=name:TYPE VALUE` by payload type."""
    found: dict[int, str] = {}
    for key, value in lines:
        attribute, _, rest = value.partition(":")
        if key == "a" and attribute.strip().lower() == name:
            number, _, rest = rest.strip().partition(" ")
            if (payload_type := _small(number)) is not None:
                found.setdefault(payload_type, rest.strip())
    return found


def _encoding(kind: str, payload_type: int, rtpmap: str, parameters: Mapping[str, str]) -> tuple[str, int, int]:
    """Name, clock rate and channels, from the rtpmap or from what else tells."""
    if not rtpmap:
        if payload_type in _STATIC:
            return _STATIC[payload_type]
        if "sprop-parameter-sets" in parameters:
            return "H264", VIDEO_CLOCK, 1
        if "sprop-sps" in parameters:
            return "H265", VIDEO_CLOCK, 1
        return "", VIDEO_CLOCK, 1
    name, *numbers = (part.strip() for part in rtpmap.split("/"))
    name = "H265" if name.upper() == "HEVC" else name.upper()
    default = VIDEO_CLOCK if kind != "audio" else 48_000 if name == "OPUS" else 8000
    clock = _number(numbers[0]) if numbers else None
    channels = _number(numbers[1]) if len(numbers) > 1 else None
    return name, clock or default, channels or 1


def _parameters(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in text.split(";"):
        name, _, value = part.partition("=")
        if name.strip():
            found.setdefault(name.strip().lower(), value.strip().strip('"'))
    return found


def _small(text: str) -> int | None:
    number = _number(text)
    return number if number is not None and number < 128 else None


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 7 else None


def _base64(text: str) -> bytes:
    """Decoded, with missing padding tolerated; empty when it can't be."""
    text = text.strip().rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""


def control_url(base: str, control: str) -> str:
    """The URL to set a track up with (or to play a session with).

    `control` is absolute, `*`, empty, or relative. Relative ones are appended, behind a query too: that is what
    cameras with the channel in the query expect, and what RFC 2326 C.1.1's examples show.
    """
    if control in ("", "*"):
        return base
    if control.lower().startswith(("rtsp://", "rtsps://", "rtspu://")):
        return control
    if control.startswith("/"):
        parts = urlsplit(base)
        return urlunsplit((parts.scheme, parts.netloc, "", "", "")) + control
    return base + ("" if base.endswith("/") else "/") + control


def track_control(track: Track) -> str:
    """What `a=control` names a track of ours."""
    return f"trackID={int(track)}"


def tracks_of(form: StreamFormat) -> tuple[Track, ...]:
    """The tracks that a stream has."""
    found = [Track.VIDEO]
    if form.audio is not None:
        found.append(Track.AUDIO)
    if form.metadata:
        found.append(Track.METADATA)
    return tuple(found)


def clock_rate(form: StreamFormat, track: Track) -> int:
    """RTP clock of a track: the same as its ticks."""
    return form.audio.clock_rate if track is Track.AUDIO and form.audio is not None else VIDEO_CLOCK


def build_sdp(form: StreamFormat, *, name: str, version: int = 0, address: str = "127.0.0.1") -> str:
    """The description of one of our streams.

    Args:
        form: its tracks.
        name: of the stream.
        version: a number that grows when the format changes.
        address: of this device, as the client sees it.
    """
    family = "IP6" if ":" in address else "IP4"
    lines = ["v=0", f"o=- {version} {version} IN {family} {address}", f"s={name}"]
    anywhere = "::" if family == "IP6" else "0.0.0.0"  # noqa: S104 (nothing is bound: the Transport header tells)
    lines += [f"c=IN {family} {anywhere}", "t=0 0"]
    lines += ["a=tool:Camward", "a=range:npt=now-", "a=control:*"]
    for track in tracks_of(form):
        lines += _section(form, track)
    return "\r\n".join(lines) + "\r\n"


def _section(form: StreamFormat, track: Track) -> list[str]:
    number = PAYLOAD_TYPES[track]
    if track is Track.VIDEO:
        kind, rtpmap, fmtp = "video", f"{form.video.codec.upper()}/{VIDEO_CLOCK}", _video_fmtp(form.video)
    elif track is Track.AUDIO and form.audio is not None:
        kind, (rtpmap, fmtp) = "audio", _audio_lines(form.audio)
    else:
        kind, rtpmap, fmtp = "application", f"vnd.onvif.metadata/{VIDEO_CLOCK}", ""
    lines = [f"m={kind} 0 RTP/AVP {number}", f"a=rtpmap:{number} {rtpmap}"]
    if fmtp:
        lines.append(f"a=fmtp:{number} {fmtp}")
    if track is Track.VIDEO and form.video.frame_rate:
        lines.append(f"a=framerate:{form.video.frame_rate:g}")
    return [*lines, f"a=control:{track_control(track)}"]


def _video_fmtp(video: VideoFormat) -> str:
    def sets(*kinds: int) -> str:
        kind_of = h264.nal_type if video.codec == "h264" else h265.nal_type
        return ",".join(base64.b64encode(nal).decode() for nal in video.parameter_sets if kind_of(nal) in kinds)

    if video.codec == "h265":
        return f"sprop-vps={sets(h265.VPS)};sprop-sps={sets(h265.SPS)};sprop-pps={sets(h265.PPS)}"
    level = next((nal[1:4].hex() for nal in video.parameter_sets if h264.nal_type(nal) == h264.SPS), "")
    profile = f"profile-level-id={level};" if level else ""
    return f"packetization-mode=1;{profile}sprop-parameter-sets={sets(h264.SPS, h264.PPS)}"


def _audio_lines(audio: AudioFormat) -> tuple[str, str]:
    if audio.codec == "opus":
        # RFC 7587 7: always 48000/2 in the rtpmap, whatever is coded.
        return "opus/48000/2", f"sprop-stereo={1 if audio.channels == 2 else 0}"
    fmtp = "streamtype=5;profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3"
    return f"MPEG4-GENERIC/{audio.sample_rate}/{audio.channels}", f"{fmtp};config={audio.config.hex().upper()}"
