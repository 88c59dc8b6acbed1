"""What a demo site has on disk: a factory root, a site CA, an owner's key, and a provisioned state for each device."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from camward.access import Device
from camward.app.provision import identity_of, issue_tls_to, model_name, provision, tls_due
from camward.base.clock import SystemClock
from camward.base.errors import ConfigurationError
from camward.base.files import private_folder, write_atomic
from camward.factory import init_root, issue_site_ca, root_certificate
from camward.factory.authority import ROOT_FILE, SITE_FILE
from camward.trust.keys import FileKey, load_or_create_key

FOOTAGE = Path(__file__).parent.parent / "footage"
CLIPS = ("car-park.mp4", "cup-with-audio.mp4")
PORT = 8443
CAMERAS_AT_MOST = 64
STEP = 10
"""Between the ports of two devices."""


@dataclass(frozen=True, slots=True)
class DemoDevice:
    """One device of the site.

    Args:
        name: "recorder", "camera1" ...: its folder, too.
        kind: which.
        state: its folder.
        https: port.
        rtsp: port, of a camera.
        source: of a camera.
    """

    name: str
    kind: Device
    state: Path
    https: int
    rtsp: int | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Layout:
    """The site.

    Args:
        folder: everything is in it.
        recorder: the recorder.
        cameras: the cameras.
    """

    folder: Path
    recorder: DemoDevice
    cameras: tuple[DemoDevice, ...]

    @property
    def devices(self) -> tuple[DemoDevice, ...]:
        """All of them; the cameras first, so that the recorder finds them."""
        return (*self.cameras, self.recorder)

    @property
    def root(self) -> Path:
        """The root certificate, for browsers."""
        return self.folder / ROOT_FILE

    @property
    def site(self) -> Path:
        """The site CA's folder."""
        return self.folder / "site"

    @property
    def ports(self) -> tuple[int, ...]:
        """Every port that the site opens."""
        return tuple(port for device in self.devices for port in (device.https, device.rtsp) if port is not None)

    def owner_key(self) -> FileKey:
        """The key of whoever claims the devices; outside every device's state."""
        return load_or_create_key(self.folder / "owner-key.pem")


def lay_out(folder: Path, *, sources: list[str], cameras: int | None, port: int = PORT) -> Layout:
    """Name folders, ports and sources; nothing is written.

    Args:
        folder: of the site.
        sources: of the cameras, repeated as needed; empty: the bundled footage.
        cameras: how many; None: one for each source, one without any.
        port: the recorder's; camera i has port + 10 i and port + 10 i + 1.

    Raises:
        ConfigurationError: too many cameras, or ports beyond the last one.
    """
    count = max(1, len(sources)) if cameras is None else cameras
    if not 1 <= count <= CAMERAS_AT_MOST:
        raise ConfigurationError(f"a demo has 1 to {CAMERAS_AT_MOST} cameras, not {count}")
    if not 1 <= port <= 65535 - STEP * count - 1:
        raise ConfigurationError(f"the ports of {count} cameras do not fit above {port}", next="choose another --port")
    chosen = sources or [f"file:{FOOTAGE / clip}" for clip in CLIPS]
    folder = folder.absolute()
    return Layout(
        folder,
        DemoDevice("recorder", Device.RECORDER, folder / "recorder", port),
        tuple(
            DemoDevice(
                f"camera{number}",
                Device.CAMERA,
                folder / f"camera{number}",
                port + STEP * number,
                port + STEP * number + 1,
                chosen[(number - 1) % len(chosen)],
            )
            for number in range(1, count + 1)
        ),
    )


def make_site(layout: Layout) -> Iterator[str]:
    """Make whatever the site lacks; says what it is about to make. A second time it makes nothing."""
    factory = layout.folder / "factory"
    private_folder(layout.folder)
    now = SystemClock().utc()
    if not (factory / ROOT_FILE).exists():
        yield "factory root"
        init_root(factory, passphrase=None, name="Camward demo root", now=now)
    if not layout.root.exists():
        write_atomic(layout.root, root_certificate(factory))
    if not (layout.site / SITE_FILE).exists():
        yield "site CA"
        issue_site_ca(factory, layout.site, root_passphrase=None, passphrase=None, name="Camward demo site", now=now)
    layout.owner_key()
    for device in layout.devices:
        if not identity_of(device.state, kind=device.kind).provisioned:
            yield f"identity of {device.name}"
            name = model_name(device.kind)
            provision(factory, device.state, kind=device.kind, passphrase=None, name=name)
        if tls_due(device.state):
            yield f"TLS certificate of {device.name}"
            issue_tls_to(device.state, layout.site)
