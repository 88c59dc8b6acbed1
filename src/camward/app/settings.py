"""THE settings trees: every setting of a camera and of a recorder, composed of the rooms' sections."""

from __future__ import annotations

from camward.access.settings import AccessSettings
from camward.base.setting import SettingMeta, SettingsSection, setting
from camward.camera.settings import MediaSettings
from camward.door.settings import CameraNetwork, RecorderNetwork
from camward.recorder.settings import CamerasSettings, RecordingSettings


class DeviceSettings(SettingsSection):
    """[Setup] > [Basic] > [Basic]: what people call this device."""

    name: str = setting(
        "",
        SettingMeta(
            title="Device name",
            help="Shown on the pages of this device; empty shows the serial number.",
            menu=("Basic", "Basic"),
        ),
        max_length=40,
    )
    location: str = setting(
        "",
        SettingMeta(
            title="Location",
            help="Where the device hangs or stands, for those who have to find it.",
            menu=("Basic", "Basic"),
        ),
        max_length=80,
    )


class DeviceTree(SettingsSection):
    """What both kinds of device have."""

    device: DeviceSettings = DeviceSettings()
    access: AccessSettings = AccessSettings()


class CameraSettings(DeviceTree):
    """Everything that can be set on a camera."""

    network: CameraNetwork = CameraNetwork()
    media: MediaSettings = MediaSettings()


class RecorderSettings(DeviceTree):
    """Everything that can be set on a recorder."""

    network: RecorderNetwork = RecorderNetwork()
    recording: RecordingSettings = RecordingSettings()
    cameras: CamerasSettings = CamerasSettings()
