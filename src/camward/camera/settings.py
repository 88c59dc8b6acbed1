"""What a person may set about picture and sound (the menu [Image/Audio])."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import model_validator

from camward.base.setting import SettingMeta, SettingsSection, setting

_IMAGE = ("Image/Audio", "Image")
_STREAM1 = ("Image/Audio", "Stream 1")
_STREAM2 = ("Image/Audio", "Stream 2")
_OVERLAY = ("Image/Audio", "Overlay")
_ZONES = ("Image/Audio", "Privacy zone")
_REENCODES = "A source that is already coded is then decoded and coded again, which costs processor time."
_ENCODED = "Counts where the picture is coded here; an H.264 or H.265 source passes through untouched."


class Corner(StrEnum):
    """Where the overlay is drawn."""

    TOP_LEFT = "top-left"
    TOP_RIGHT = "top-right"
    BOTTOM_LEFT = "bottom-left"
    BOTTOM_RIGHT = "bottom-right"


def _picture_setting(title: str, low: str, high: str) -> int:
    help_text = f"0 is {low}, 50 leaves the picture as it is, 100 is {high}."
    value: int = setting(
        50, SettingMeta(title=title, help=help_text, menu=_IMAGE, unit="%", caution=_REENCODES), ge=0, le=100
    )
    return value


class SourceSettings(SettingsSection):
    """[Image/Audio] > [Image]: the picture itself, and how an existing camera is reached."""

    brightness: int = _picture_setting("Brightness", "darkest", "brightest")
    contrast: int = _picture_setting("Contrast", "flattest", "hardest")
    saturation: int = _picture_setting("Saturation", "black and white", "most colourful")
    capture: Literal["1920x1080", "1280x720", "800x600", "640x480"] = setting(
        "1280x720",
        SettingMeta(
            title="Capture size",
            help="Asked of a video device, and the size of the test picture; the device may give another.",
            menu=_IMAGE,
            unit="px",
            restarts="the source",
        ),
    )
    transport: Literal["tcp", "udp"] = setting(
        "tcp",
        SettingMeta(
            title="Transport of an upstream camera",
            help="How the media of an rtsp:// source is fetched.",
            menu=_IMAGE,
            recommended="tcp",
            risks={"udp": "Lost packets cost pictures, and UDP media can be snooped on and altered."},
            labels={"tcp": "TCP", "udp": "UDP"},
            restarts="the source",
        ),
    )
    fingerprint: str = setting(
        "",
        SettingMeta(
            title="Certificate of an upstream camera",
            help="SHA-256 fingerprint (64 hexadecimal digits) that an rtsps:// source must show; "
            "empty: a certificate that this machine trusts, for the host in the address.",
            menu=_IMAGE,
            section="3.7",
            counters="Spoofing of the camera",
            restarts="the source",
        ),
        pattern=r"^([0-9a-fA-F]{64})?$",
    )


class Stream1Settings(SettingsSection):
    """[Image/Audio] > [Stream 1]: the main stream, which is recorded."""

    frame_rate: int = setting(
        0,
        SettingMeta(
            title="Frame rate",
            help=f"0: as the source. {_ENCODED}",
            menu=_STREAM1,
            unit="pictures/s",
            restarts="stream 1",
        ),
        ge=0,
        le=60,
    )
    bitrate: int = setting(
        4000,
        SettingMeta(title="Bit rate", help=_ENCODED, menu=_STREAM1, unit="kbit/s", restarts="stream 1"),
        ge=64,
        le=50_000,
    )
    key_seconds: float = setting(
        2.0,
        SettingMeta(
            title="Time between key pictures",
            help=_ENCODED,
            menu=_STREAM1,
            unit="s",
            recommended=2.0,
            restarts="stream 1",
        ),
        ge=0.5,
        le=10,
    )
    audio: bool = setting(
        True,
        SettingMeta(
            title="Sound",
            help="Send the sound of the source, where it has one.",
            menu=_STREAM1,
            caution="Recording what people say needs their consent in many countries.",
            labels={"true": "On", "false": "Off"},
            restarts="stream 1",
        ),
    )


class Stream2Settings(SettingsSection):
    """[Image/Audio] > [Stream 2]: the small stream, always H.264, made while somebody watches it."""

    width: Literal[320, 480, 640, 800, 1280] = setting(
        640,
        SettingMeta(
            title="Width",
            help="The height follows the source's shape; never larger than the source.",
            menu=_STREAM2,
            unit="px",
            restarts="stream 2",
        ),
    )
    frame_rate: int = setting(
        15,
        SettingMeta(title="Frame rate", help="At most.", menu=_STREAM2, unit="pictures/s", restarts="stream 2"),
        ge=1,
        le=60,
    )
    bitrate: int = setting(
        600,
        SettingMeta(title="Bit rate", menu=_STREAM2, unit="kbit/s", restarts="stream 2"),
        ge=32,
        le=10_000,
    )
    key_seconds: float = setting(
        2.0,
        SettingMeta(title="Time between key pictures", menu=_STREAM2, unit="s", recommended=2.0, restarts="stream 2"),
        ge=0.5,
        le=10,
    )
    audio: bool = setting(
        True,
        SettingMeta(
            title="Sound",
            help="Send the sound of the source, where it has one.",
            menu=_STREAM2,
            labels={"true": "On", "false": "Off"},
            restarts="stream 2",
        ),
    )


class OverlaySettings(SettingsSection):
    """[Image/Audio] > [Overlay]: words burnt into the picture."""

    text: str = setting(
        "",
        SettingMeta(title="Text", help=f"Empty: none. {_REENCODES}", menu=_OVERLAY, restarts="the streams"),
        max_length=60,
        pattern=r"^[^\x00-\x1f\x7f]*$",
    )
    time: bool = setting(
        False,
        SettingMeta(
            title="Date and time",
            help=f"UTC, each second. {_REENCODES}",
            menu=_OVERLAY,
            labels={"true": "On", "false": "Off"},
            restarts="the streams",
        ),
    )
    corner: Corner = setting(Corner.TOP_LEFT, SettingMeta(title="Corner", menu=_OVERLAY, restarts="the streams"))


class Zone(SettingsSection):
    """A rectangle that is painted black; percent of the picture, from its top left corner."""

    left: float = setting(0.0, SettingMeta(title="Left", menu=_ZONES, unit="%"), ge=0, le=100)
    top: float = setting(0.0, SettingMeta(title="Top", menu=_ZONES, unit="%"), ge=0, le=100)
    width: float = setting(10.0, SettingMeta(title="Width", menu=_ZONES, unit="%"), gt=0, le=100)
    height: float = setting(10.0, SettingMeta(title="Height", menu=_ZONES, unit="%"), gt=0, le=100)

    @model_validator(mode="after")
    def _inside(self) -> Zone:
        if self.left + self.width > 100.01 or self.top + self.height > 100.01:
            raise ValueError("the zone reaches beyond the picture")
        return self


class PrivacySettings(SettingsSection):
    """[Image/Audio] > [Privacy zone]: what nobody may see, masked before anything is coded."""

    zones: tuple[Zone, ...] = setting(
        (),
        SettingMeta(
            title="Privacy zones",
            help=f"Painted black in both streams and in snapshots. {_REENCODES}",
            menu=_ZONES,
            restarts="the streams",
        ),
        max_length=16,
    )


class MediaSettings(SettingsSection):
    """All about picture and sound; `app/settings.py` puts it into the camera's tree."""

    source: SourceSettings = SourceSettings()
    stream1: Stream1Settings = Stream1Settings()
    stream2: Stream2Settings = Stream2Settings()
    overlay: OverlaySettings = OverlaySettings()
    privacy: PrivacySettings = PrivacySettings()
