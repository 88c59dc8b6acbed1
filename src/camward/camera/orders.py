"""What the front orders of the media worker: configuration, stream 2 on or off, snapshots, key pictures. No I/O."""

from __future__ import annotations

import json
import struct
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from camward.base.secret import Secret
from camward.camera.wire import Kind, WireError, frame

NO_SECRET = Secret("")
NEUTRAL = 50
"""A picture setting that changes nothing."""


@dataclass(frozen=True, slots=True)
class SourceOrder:
    """Where pictures come from.

    Args:
        url: the source, without name and password.
        username: for an upstream camera, else empty.
        password: likewise; crosses the socket only.
        capture: width and height to ask of a device, and of the test picture.
        transport: "tcp" or "udp".
        fingerprint: SHA-256 of an upstream camera's certificate in hexadecimal, or empty.
    """

    url: str
    username: str = ""
    password: Secret[str] = NO_SECRET
    capture: tuple[int, int] = (1280, 720)
    transport: str = "tcp"
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class Coding:
    """How a stream is coded where it is coded here. `width` 0 and `frame_rate` 0: as the source."""

    bitrate: int
    frame_rate: int = 0
    key_seconds: float = 2.0
    audio: bool = True
    width: int = 0


@dataclass(frozen=True, slots=True)
class Drawing:
    """What is done to each picture before it is coded; zones are left, top, width, height in percent."""

    brightness: int = NEUTRAL
    contrast: int = NEUTRAL
    saturation: int = NEUTRAL
    text: str = ""
    time: bool = False
    corner: str = "top-left"
    zones: tuple[tuple[float, float, float, float], ...] = ()

    @property
    def controls(self) -> Mapping[str, int]:
        """The picture settings by name."""
        return {"brightness": self.brightness, "contrast": self.contrast, "saturation": self.saturation}

    @property
    def adjusted(self) -> bool:
        """Whether brightness, contrast or saturation is not neutral."""
        return any(value != NEUTRAL for value in self.controls.values())

    def without(self, controls: Collection[str]) -> Drawing:
        """The same, but for the picture settings that somebody else (the device) sees to."""
        return replace(
            self,
            brightness=NEUTRAL if "brightness" in controls else self.brightness,
            contrast=NEUTRAL if "contrast" in controls else self.contrast,
            saturation=NEUTRAL if "saturation" in controls else self.saturation,
        )

    @property
    def why(self) -> str:
        """Why pictures can't pass untouched; empty if they can."""
        reasons = [
            (bool(self.zones), "privacy zones are masked"),
            (bool(self.text or self.time), "an overlay is drawn"),
            (self.adjusted, "the picture is adjusted"),
        ]
        return ", ".join(words for given, words in reasons if given)


@dataclass(frozen=True, slots=True)
class Config:
    """All that a worker needs to know.

    Args:
        source: where pictures come from.
        stream1: how the main stream is coded, where it is coded here.
        stream2: how the small stream is coded.
        drawing: what is drawn.
        epoch: monotonic time at which the streams' ticks are zero; the same for every worker of one camera.
        floor: seconds after the epoch that are used up already; times go on after them.
    """

    source: SourceOrder
    stream1: Coding
    stream2: Coding
    drawing: Drawing = Drawing()
    epoch: float = 0.0
    floor: float = 0.0


@dataclass(frozen=True, slots=True)
class SmallOrder:
    """Make stream 2, or stop."""

    on: bool


@dataclass(frozen=True, slots=True)
class SnapshotOrder:
    """Send the newest picture of a stream as JPEG."""

    request: int
    stream: int


@dataclass(frozen=True, slots=True)
class KeyOrder:
    """Make the next picture of a stream that is coded here a key picture."""

    stream: int


Order = Config | SmallOrder | SnapshotOrder | KeyOrder


def encode_order(order: Order) -> bytes:
    """One frame."""
    match order:
        case Config():
            return b"".join(frame(bytes((Kind.CONFIG,)), json.dumps(_plain(order)).encode()))
        case SmallOrder(on):
            return b"".join(frame(bytes((Kind.SMALL, on))))
        case SnapshotOrder(request, stream):
            return b"".join(frame(struct.pack(">BIB", Kind.TAKE_SNAPSHOT, request, stream)))
        case KeyOrder(stream):
            return b"".join(frame(bytes((Kind.KEY_PICTURE, stream))))


def decode_order(data: bytes | memoryview) -> Order:
    """Read one frame from the front.

    Raises:
        WireError: not an order.
    """
    try:
        match data[0]:
            case Kind.CONFIG:
                return _config(json.loads(bytes(data[1:])))
            case Kind.SMALL:
                return SmallOrder(bool(data[1]))
            case Kind.TAKE_SNAPSHOT:
                _, request, stream = struct.unpack(">BIB", data)
                return SnapshotOrder(request, stream)
            case Kind.KEY_PICTURE:
                return KeyOrder(data[1])
    except (ValueError, LookupError, TypeError, RecursionError, struct.error) as error:
        raise WireError("An order can't be read") from error
    raise WireError("An order is of unknown kind")


def _plain(config: Config) -> dict[str, object]:
    def fields(value: object) -> dict[str, object]:
        names = cast("dict[str, object]", type(value).__dataclass_fields__)  # type: ignore[attr-defined]
        return {name: getattr(value, name) for name in names}

    source = fields(config.source) | {"password": config.source.password.reveal()}
    parts = {name: fields(getattr(config, name)) for name in ("stream1", "stream2", "drawing")}
    return {"source": source, **parts, "epoch": config.epoch, "floor": config.floor}


def _config(plain: Any) -> Config:
    source = dict(plain["source"])
    width, height = source["capture"]
    source |= {"password": Secret(str(source["password"])), "capture": (int(width), int(height))}
    drawing = dict(plain["drawing"])
    drawing["zones"] = tuple(
        (float(left), float(top), float(wide), float(high)) for left, top, wide, high in drawing["zones"]
    )
    return Config(
        SourceOrder(**source),
        Coding(**plain["stream1"]),
        Coding(**plain["stream2"]),
        Drawing(**drawing),
        float(plain["epoch"]),
        float(plain["floor"]),
    )
