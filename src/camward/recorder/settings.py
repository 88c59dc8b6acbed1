"""What is recorded, for how long, and from which cameras."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from camward.base.setting import SettingMeta, SettingsSection, setting

CameraId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
"""A camera's name in addresses, folders and the API; it never changes."""

_MENU = ("Recording",)


class RecordingSettings(SettingsSection):
    """How recordings are cut and how long they are kept."""

    segment_seconds: int = setting(
        60,
        SettingMeta(
            title="Length of a file",
            help="Files are cut at the first key picture after this long.",
            menu=_MENU,
            unit="seconds",
        ),
        ge=10,
        le=600,
    )
    keep_days: int = setting(
        30,
        SettingMeta(
            title="Keep recordings for",
            help="Older recordings are deleted, unless a range is pinned. A camera can have its own number.",
            menu=_MENU,
            unit="days",
            caution="Many countries say how long pictures of people may be kept.",
        ),
        ge=1,
        le=3650,
    )
    keep_free_percent: int = setting(
        5,
        SettingMeta(
            title="Space left free",
            help="When less of the disk is free than this, the oldest recordings go.",
            menu=_MENU,
            unit="%",
            recommended=5,
            risks={"0": "A disk that is filled to its last byte stops the recording."},
        ),
        ge=0,
        le=50,
    )


class CameraEntry(SettingsSection):
    """One camera in the book. Its password is not here: secrets are in a file of their own."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    url: Annotated[str, StringConstraints(pattern=r"^rtsps?://[^\s@]+$", max_length=1024)]
    stream2_url: Annotated[str, StringConstraints(pattern=r"^rtsps?://[^\s@]+$", max_length=1024)] | None = None
    username: Annotated[str, StringConstraints(max_length=128)] = ""
    pin: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None = None
    kind: Literal["camward", "rtsp"] = "rtsp"
    transport: Literal["tcp", "udp"] = "tcp"
    enabled: bool = True
    keep_days: Annotated[int, Field(ge=1, le=3650)] | None = None
    keep_gb: Annotated[int, Field(ge=1, le=1_000_000)] | None = None

    @property
    def second_url(self) -> str | None:
        """Where stream 2 is: as entered, or beside stream 1 on a Camward camera."""
        if self.stream2_url is None and self.kind == "camward" and self.url.endswith("/stream1"):
            return self.url.removesuffix("1") + "2"
        return self.stream2_url


class CamerasSettings(SettingsSection):
    """The camera book."""

    entries: dict[CameraId, CameraEntry] = setting(
        {},
        SettingMeta(
            title="Cameras",
            help="Address, certificate and keeping of each camera; added on the page Cameras.",
            menu=("Cameras",),
        ),
        max_length=1024,
    )
