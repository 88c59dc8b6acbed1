"""THE settings trees: every setting of a camera and of a recorder, composed of the rooms' sections."""

from __future__ import annotations

from camward.access.settings import AccessSettings
from camward.base.setting import SettingMeta, SettingsSection, setting
from camward.door.settings import CameraNetwork, RecorderNetwork


class DeviceSettings(SettingsSection):
    """[Setup] > [Basic] > [Basic]: what people call this device."""

    name: str = setting(
        "",
        SettingMeta(
            title="Device name",
            help="Shown on the pages of this device; empty shows the serial number.",
            menu=("Basic", "Basic"),
            section="3.1",
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


class CameraSettings(SettingsSection):
    """Everything that can be set on a camera."""

    device: DeviceSettings = DeviceSettings()
    network: CameraNetwork = CameraNetwork()
    access: AccessSettings = AccessSettings()


class RecorderSettings(SettingsSection):
    """Everything that can be set on a recorder."""

    device: DeviceSettings = DeviceSettings()
    network: RecorderNetwork = RecorderNetwork()
    access: AccessSettings = AccessSettings()
