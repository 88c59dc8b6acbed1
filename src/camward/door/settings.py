"""Which ports are open, and how (white paper 3.5 and 3.7)."""

from __future__ import annotations

from camward.base.setting import SettingMeta, SettingsSection, setting


class HttpsSettings(SettingsSection):
    """[Setup] > [Network] > [HTTPS]."""

    address: str = setting(
        "",
        SettingMeta(
            title="HTTPS address",
            help="Address to listen on; empty means every address of this device.",
            menu=("Network", "HTTPS"),
            section="3.5",
            restarts="the web server",
        ),
        max_length=45,
    )
    port: int = setting(
        443,
        SettingMeta(
            title="HTTPS port",
            help="TCP port of the pages and the API.",
            menu=("Network", "HTTPS"),
            section="3.7",
            restarts="the web server",
        ),
        ge=1,
        le=65535,
    )


class RtspSettings(SettingsSection):
    """[Setup] > [Network] > [RTSP]."""

    address: str = setting(
        "",
        SettingMeta(
            title="RTSP address",
            help="Address to listen on; empty means every address of this device.",
            menu=("Network", "RTSP"),
            section="3.5",
            restarts="the RTSP server",
        ),
        max_length=45,
    )
    port: int = setting(
        554,
        SettingMeta(
            title="RTSP port",
            help="TCP port of the video streams. TLS (rtsps://) and plain RTSP share it.",
            menu=("Network", "RTSP"),
            section="3.5",
            restarts="the RTSP server",
        ),
        ge=1,
        le=65535,
    )
    plain: bool = setting(
        False,
        SettingMeta(
            title="Plain RTSP",
            help="Serve rtsp:// without TLS, and UDP media, beside rtsps://.",
            menu=("Network", "RTSP"),
            section="3.5",
            counters="Snooping and alteration on the network",
            recommended=False,
            risks={
                "true": "Anyone on the network path can watch the picture, and see which client secret is used.",
                "false": "Players that know no TLS cannot connect.",
            },
            caution="The paper opens plain RTSP from the factory; on a shared network video can be snooped on.",
            labels={"true": "Allowed", "false": "Refused"},
        ),
    )


class CameraNetwork(SettingsSection):
    """The camera's two ports."""

    https: HttpsSettings = HttpsSettings()
    rtsp: RtspSettings = RtspSettings()


class RecorderNetwork(SettingsSection):
    """The recorder's one port."""

    https: HttpsSettings = HttpsSettings()
