"""The one acceptor of every TCP listener: accept, host filter, first byte, TLS or plain, hand over.

asyncio tells a protocol of a connection only after the TLS handshake; an address filter must act before a byte is
read (white paper 3.4), and one port serves TLS and plain (RTSP). So we accept ourselves, look at the first byte
without taking it (MSG_PEEK), and only then let the event loop build the transport.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from camward.base.errors import CamwardError

log = structlog.get_logger(__name__)

TLS_HANDSHAKE = 0x16
"""Content type of the first TLS record (RFC 8446 5.1)."""

HostFilter = Callable[[str], bool]
"""Told a peer's address (IPv4-mapped addresses already unwrapped); says whether it may speak to us."""


@dataclass(frozen=True, slots=True)
class DoorLimits:
    """What strangers can cost us.

    Args:
        first_byte: seconds until the first byte.
        handshake: seconds for the TLS handshake.
        connections: open connections of one listener.
        per_address: open connections from one address.
    """

    first_byte: float = 10.0
    handshake: float = 10.0
    connections: int = 4096
    per_address: int = 512
    backlog: int = 1024


@dataclass(frozen=True, slots=True)
class Listener:
    """One declared TCP port.

    Args:
        name: what it is for ("HTTPS", "RTSP").
        host: address to bind; "" is every address, IPv4 and IPv6.
        port: TCP port; 0 lets the kernel choose.
        protocol: makes the protocol that gets the connection.
        tls: the TLS context; None: this port is plain only.
        plain: whether a connection without TLS is served.
        plain_refusal: sent before closing a plain connection that is not served.
    """

    name: str
    host: str
    port: int
    protocol: Callable[[], asyncio.BaseProtocol]
    tls: ssl.SSLContext | None
    plain: Callable[[], bool] = lambda: False
    plain_refusal: bytes = b""


class PortError(CamwardError):
    """A port can't be opened."""

    code = "DOOR-PORT"


class Door:
    """Serves listeners until it is closed.

    Args:
        listeners: what is open. Nothing else listens.
        allowed: the host filter; asked before a byte is read.
        limits: see `DoorLimits`.
    """

    def __init__(
        self, listeners: list[Listener], *, allowed: HostFilter = lambda _: True, limits: DoorLimits = DoorLimits()
    ) -> None:
        self._listeners = listeners
        self._allowed = allowed
        self._limits = limits
        self._sockets: list[tuple[Listener, socket.socket]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._open: Counter[str] = Counter()
        self._admitted: list[tuple[str, asyncio.BaseTransport]] = []
        self.refused = 0

    @property
    def addresses(self) -> list[tuple[str, str, int]]:
        """What is open: (listener's name, address, port)."""
        return [(listener.name, *sock.getsockname()[:2]) for listener, sock in self._sockets]

    def port(self, name: str) -> int:
        """The port of a listener, by its name."""
        return next(port for listener, _, port in self.addresses if listener == name)

    def open(self) -> None:
        """Bind all listeners, or none.

        Raises:
            PortError: a port is in use or not ours to open.
        """
        try:
            for listener in self._listeners:
                self._sockets += [(listener, sock) for sock in _bind(listener, self._limits.backlog)]
        except BaseException:
            self.close()
            raise

    async def serve(self) -> None:
        """Accept until cancelled; then every half-made connection is dropped. Open ones belong to their protocols."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._count())
                for listener, sock in self._sockets:
                    group.create_task(self._accept(listener, sock))
        finally:
            self.close()
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def close(self) -> None:
        """Stop listening, also if `serve` never ran. Open connections stay."""
        for _, sock in self._sockets:
            sock.close()
        self._sockets = []

    async def _accept(self, listener: Listener, sock: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, peer = await loop.sock_accept(sock)
            except OSError as error:
                # Out of descriptors or a connection that died in the queue: the listener must survive both.
                log.warning("accept_failed", listener=listener.name, error=str(error))
                await asyncio.sleep(0.1)
                continue
            address = plain_address(peer[0])
            if (
                not self._allowed(address)
                or self._open.total() >= self._limits.connections
                or self._open[address] >= self._limits.per_address
            ):
                self.refused += 1
                connection.close()
                continue
            connection.setblocking(False)  # noqa: FBT003
            self._open[address] += 1
            task = loop.create_task(self._admit(listener, connection, address))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _count(self) -> None:
        """Forget closed connections every two seconds: cheaper than a wrapper around each protocol."""
        while True:
            await asyncio.sleep(2)
            still = []
            for address, transport in self._admitted:
                if transport.is_closing():
                    self._forget(address)
                else:
                    still.append((address, transport))
            self._admitted = still

    def _forget(self, address: str) -> None:
        self._open[address] -= 1
        if self._open[address] <= 0:
            del self._open[address]

    async def _admit(self, listener: Listener, connection: socket.socket, address: str) -> None:
        try:
            transport = await self._hand_over(listener, connection)
        except (OSError, TimeoutError) as error:  # ssl.SSLError is an OSError
            log.debug("connection_dropped", listener=listener.name, address=address, error=str(error))
            transport = None
        if transport is None:
            self._forget(address)
            connection.close()
        else:
            self._admitted.append((address, transport))

    async def _hand_over(self, listener: Listener, connection: socket.socket) -> asyncio.BaseTransport | None:
        tls = await self._first_byte(listener, connection)
        if tls is None:
            return None
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        transport, _ = await asyncio.get_running_loop().connect_accepted_socket(
            listener.protocol,
            connection,
            ssl=listener.tls if tls else None,
            ssl_handshake_timeout=self._limits.handshake if tls else None,
        )
        return transport

    async def _first_byte(self, listener: Listener, connection: socket.socket) -> bool | None:
        """Whether the peer starts TLS; None when it is not served."""
        async with asyncio.timeout(self._limits.first_byte):
            first = await _peek(connection)
        if not first:
            return None
        if first[0] == TLS_HANDSHAKE and listener.tls is not None:
            return True
        if listener.tls is None or listener.plain():
            return False
        if listener.plain_refusal:
            with contextlib.suppress(OSError):
                connection.send(listener.plain_refusal)
                connection.shutdown(socket.SHUT_WR)
                # What the peer sent is read off first: closing over unread bytes would reset the answer away.
                async with asyncio.timeout(1):
                    while await asyncio.get_running_loop().sock_recv(connection, 65536):
                        pass
        return None


async def _peek(connection: socket.socket) -> bytes:
    """Wait for the first byte and look at it without taking it; empty when the peer closed."""
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()

    def wake() -> None:
        if not ready.done():
            ready.set_result(None)

    loop.add_reader(connection, wake)
    try:
        await ready
    finally:
        loop.remove_reader(connection)
    return connection.recv(1, socket.MSG_PEEK)


def plain_address(address: str) -> str:
    """A peer's address without zone id, and without the IPv4-mapped IPv6 form, so that one rule means one host."""
    address = address.split("%", 1)[0]
    return address[7:] if address.startswith("::ffff:") and "." in address else address


def _bind(listener: Listener, backlog: int) -> list[socket.socket]:
    hosts = [listener.host] if listener.host else ["0.0.0.0", "::"]  # noqa: S104 (the setting says every address)
    sockets: list[socket.socket] = []
    port = listener.port
    try:
        for host in hosts:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            try:
                sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
            except OSError:
                if sockets:  # a kernel without IPv6: the IPv4 socket is enough
                    continue
                raise
            sockets.append(sock)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            try:
                sock.bind((host, port))
            except OSError as error:
                if family == socket.AF_INET6 and not listener.host:
                    sockets.remove(sock)
                    sock.close()
                    continue
                raise PortError(
                    f"Port {port} for {listener.name} can't be opened on {host}",
                    why=error.strerror or str(error),
                    next="Stop the program that has it, or choose another port",
                ) from error
            sock.listen(backlog)
            port = sock.getsockname()[1]
    except BaseException:
        for sock in sockets:
            sock.close()
        raise
    return sockets
