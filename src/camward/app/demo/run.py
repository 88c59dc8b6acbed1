"""Runs a demo site until it is told to stop: makes what it lacks, starts the devices, introduces them to each other."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from camward.app.addresses import reach_address
from camward.app.console import running
from camward.app.demo.children import Child
from camward.app.demo.first_access import Administrator, about, claim_code_of, make_administrator, pair_camera
from camward.app.demo.layout import DemoDevice, Layout, make_site
from camward.app.provision import issue_tls_to, tls_due
from camward.base.errors import CamwardError, NotReachableError
from camward.door.acceptor import PortError

START_SECONDS = 30.0
RENEW_ROUND = 6 * 3600.0
"""Seconds between looks at the devices' TLS certificates; a demo is its site's CA, too."""


@dataclass(frozen=True, slots=True)
class DeviceReport:
    """What a person needs to know of a device.

    Args:
        name: in the site.
        url: of its pages, from this machine.
        url_elsewhere: the same from another machine.
        rtsp: of its main stream; empty for the recorder.
        serial: serial number.
        words: the identity's fingerprint in words.
        tls_fingerprint: SHA-256 of its TLS certificate, as browsers show it.
        claim_code: empty once it is spent.
        source: what a camera shows.
    """

    name: str
    url: str
    url_elsewhere: str
    rtsp: str
    serial: str
    words: str
    tls_fingerprint: str
    claim_code: str
    source: str


@dataclass(frozen=True, slots=True)
class Watcher:
    """Who is told how a demo goes.

    Args:
        step: something is being done; one line.
        trouble: something went wrong, and the demo goes on.
        ready: the site is up.
    """

    step: Callable[[str], None]
    trouble: Callable[[str], None]
    ready: Callable[[Layout, list[DeviceReport]], None]


def run_demo(layout: Layout, *, administrator: Administrator | None, watcher: Watcher) -> None:
    """Run the site until SIGINT or SIGTERM.

    Args:
        layout: what and where.
        administrator: made on every device; None leaves first access to people.
        watcher: told how it goes.

    Raises:
        CamwardError: a port is taken, a device does not start, the administrator's password is refused.
    """
    check_ports(layout)
    for step in make_site(layout):
        watcher.step(f"Making the {step}")
    asyncio.run(_run(layout, administrator, watcher))


def check_ports(layout: Layout) -> None:
    """Find out now, not in a device's log.

    Raises:
        PortError: a port is taken.
        CamwardError: the site runs already.
    """
    for device in layout.devices:
        if running(device.state):
            raise CamwardError(
                f"A demo runs on {layout.folder} already", next="stop it first, or choose another --state"
            )
    for port in layout.ports:
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                sock.bind(("", port))
        except OSError as error:
            raise PortError(
                f"Port {port} can't be opened",
                why=error.strerror or str(error),
                next="Stop the program that has it, or choose other ports with --port",
            ) from None


async def _run(layout: Layout, administrator: Administrator | None, watcher: Watcher) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    children = {device.name: _child(layout, device, watcher) for device in layout.devices}
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(child.run()) for child in children.values()]
            tasks.append(group.create_task(_renew(layout, watcher)))
            work = group.create_task(_introduce(layout, children, administrator, watcher))
            await stop.wait()
            for task in (*tasks, work):
                task.cancel()
    except* CamwardError as errors:
        raise errors.exceptions[0] from None


def _child(layout: Layout, device: DemoDevice, watcher: Watcher) -> Child:
    arguments = [device.kind.value, "run", "--tied", "--state", str(device.state), "--https", f":{device.https}"]
    if device.rtsp is not None:
        arguments += ["--rtsp", f":{device.rtsp}", "--source", device.source]
    command = [sys.executable, "-m", "camward.cli", *arguments]
    return Child(device.name, command, log=layout.folder / f"{device.name}.log", say=watcher.trouble)


async def _introduce(
    layout: Layout, children: dict[str, Child], administrator: Administrator | None, watcher: Watcher
) -> None:
    """Once all are up: pair, claim, report."""
    watcher.step(f"Starting {len(layout.cameras)} camera{'s' if len(layout.cameras) > 1 else ''} and the recorder")
    for device in layout.devices:
        await _started(device, children[device.name])
    for camera in layout.cameras:
        try:
            if await pair_camera(layout, camera):
                watcher.step(f"Paired {camera.name} with the recorder")
        except CamwardError as error:
            watcher.trouble(f"{camera.name} is not on the recorder: {error.diagnostics()}")
    if administrator is not None:
        for device in layout.devices:
            if await make_administrator(layout, device, administrator):
                watcher.step(f"Made {administrator.name} the administrator of {device.name}")
    watcher.ready(layout, [await _report(device) for device in layout.devices])


async def _started(device: DemoDevice, child: Child) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(START_SECONDS):
            while not await asyncio.to_thread(running, device.state):
                if child.exit_code is not None:
                    break
                await asyncio.sleep(0.05)
            else:
                return
    raise NotReachableError(f"{device.name} did not start", why=child.last_words(), next=f"see {child.log}")


async def _report(device: DemoDevice) -> DeviceReport:
    told = await about(device)
    host = reach_address()
    return DeviceReport(
        name=device.name,
        url=f"https://localhost:{device.https}/",
        url_elsewhere=f"https://{host}:{device.https}/",
        rtsp=f"rtsps://{host}:{device.rtsp}/stream1" if device.rtsp else "",
        serial=str(told["serial"]),
        words=str(told["words"]),
        tls_fingerprint=str(told["tls_fingerprint"]),
        claim_code=await claim_code_of(device),
        source=device.source,
    )


async def _renew(layout: Layout, watcher: Watcher) -> None:
    """The site's CA at work: certificates are short-lived, a demo may not be."""
    while True:
        await asyncio.sleep(RENEW_ROUND)
        for device in layout.devices:
            try:
                if await asyncio.to_thread(tls_due, device.state):
                    await asyncio.to_thread(partial(issue_tls_to, device.state, layout.site))
            except (CamwardError, OSError) as error:
                watcher.trouble(f"The TLS certificate of {device.name} was not renewed: {error}")
