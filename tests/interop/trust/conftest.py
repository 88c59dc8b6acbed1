"""A factory with a site, a provisioned camera, and a TLS server that serves the camera's certificate."""

import subprocess
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from camward.base.clock import SystemClock
from camward.factory import init_root, issue_device, issue_site_ca, issue_tls, root_certificate
from camward.trust import DeviceIdentity

ADDRESSES = ["127.0.0.1", "localhost"]
NOW = SystemClock().utc


@dataclass
class Site:
    """Folders of one factory and its site, and PEM files for openssl."""

    folder: Path

    def provision(self, name: str) -> DeviceIdentity:
        """A camera with factory certificates and the site CA's TLS certificate."""
        device = issue_device(
            self.folder / "root", self.folder / name, passphrase=None, name="Camward camera", now=NOW()
        )
        request = device.tls_request(ADDRESSES, now=NOW())
        device.install_tls(issue_tls(self.folder / "site", request, ADDRESSES, passphrase=None, now=NOW()))
        return device

    @property
    def root_pem(self) -> Path:
        return self.folder / "root" / "root.pem"

    @property
    def site_pem(self) -> Path:
        return self.folder / "site" / "site.pem"


def make_site(folder: Path) -> Site:
    init_root(folder / "root", passphrase=None, name="Camward factory", now=NOW())
    issue_site_ca(
        folder / "root", folder / "site", root_passphrase=None, passphrase=None, name="Camward site", now=NOW()
    )
    assert root_certificate(folder / "root") == (folder / "root" / "root.pem").read_bytes()
    return Site(folder)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Site:
    return make_site(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def other_site(tmp_path_factory) -> Site:
    return make_site(tmp_path_factory.mktemp("other"))


@pytest.fixture(scope="module")
def device(site) -> DeviceIdentity:
    return site.provision("camera1")


@pytest.fixture
async def serve() -> AsyncIterator[Callable]:
    """Starts an HTTPS server with a context; gives its port."""
    import asyncio

    servers = []

    async def answer(reader, writer):
        try:
            await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\ncamward")
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            pass
        finally:
            writer.close()

    async def start(context) -> int:
        server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
        servers.append(server)
        return server.sockets[0].getsockname()[1]

    yield start
    for server in servers:
        server.close()
        await server.wait_closed()


@pytest.fixture
def run() -> Callable:
    """Runs a peer's program off the event loop: (exit code, all it said)."""
    import asyncio

    async def call(*arguments, stdin: bytes = b"") -> tuple[int, str]:
        done = await asyncio.to_thread(
            subprocess.run,
            [str(argument) for argument in arguments],
            input=stdin,
            capture_output=True,
            timeout=30,
            check=False,
        )
        return done.returncode, (done.stdout + done.stderr).decode(errors="replace")

    return call
