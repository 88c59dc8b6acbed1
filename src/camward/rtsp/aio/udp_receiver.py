"""UDP ports of the RTSP client: a pair for each track, what comes from the camera handed on, reports sent back."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable

from camward.media.unit import Track

TRIES = 64
RECEIVE_BUFFER = 2 * 1024 * 1024
"""A key picture comes in one burst. The kernel may give less."""
DATAGRAMS = 256
"""Datagrams read at most before others have their turn."""
LONGEST = 65_536


class UdpReceiver:
    """A track's two ports.

    Args:
        track: which.
        local: address of the RTSP connection on our side, as from `getsockname`.
        host: the camera's address; datagrams from others are dropped.
        on_packet: gets the track, each datagram, and whether it is RTCP.

    Raises:
        OSError: no pair of ports is free.
    """

    def __init__(
        self,
        track: Track,
        *,
        local: tuple[str, int],
        host: str,
        on_packet: Callable[[Track, bytes, bool], None],
    ) -> None:
        self.track = track
        self._host, self._on_packet = host, on_packet
        self._server: tuple[int, int] | None = None
        self._sockets = _bound(local)
        self.ports: tuple[int, int] = (self._sockets[0].getsockname()[1], self._sockets[1].getsockname()[1])
        loop = asyncio.get_running_loop()
        for index, sock in enumerate(self._sockets):
            loop.add_reader(sock, self._receive, sock, index == 1)

    def agree(self, server: tuple[int, int]) -> None:
        """The camera's ports: nothing from others is taken any more. Opens the way through a firewall, too."""
        if server == self._server:
            return
        self._server = server
        # A datagram to each port before media is expected: RFC 2326 says nothing of it, but firewalls need it.
        for sock, port in zip(self._sockets, server, strict=True):
            try:
                sock.sendto(b"", (self._host, port))
            except OSError:
                pass

    def report(self, data: bytes) -> None:
        """Send an RTCP packet; lost if that can't be."""
        if self._server is not None:
            try:
                self._sockets[1].sendto(data, (self._host, self._server[1]))
            except OSError:
                pass

    def _receive(self, sock: socket.socket, control: bool) -> None:  # noqa: FBT001 (a callback)
        for _ in range(DATAGRAMS):
            try:
                data, sender = sock.recvfrom(LONGEST)
            except OSError as error:
                if error.errno == errno.EAGAIN:
                    return
                continue  # an ICMP error of an earlier send, reported once
            port = self._server[control] if self._server is not None else sender[1]
            if sender[0] == self._host and sender[1] == port:
                self._on_packet(self.track, data, control)

    def close(self) -> None:
        """Close both ports."""
        loop = asyncio.get_running_loop()
        for sock in self._sockets:
            loop.remove_reader(sock)
            sock.close()


def _bound(local: tuple[str, int]) -> tuple[socket.socket, socket.socket]:
    """Two sockets on an even port and the one above it (RFC 3550 11), chosen by the kernel."""
    family = socket.AF_INET6 if ":" in local[0] else socket.AF_INET
    for _ in range(TRIES):
        first, second = (socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) for _ in "ab")
        try:
            first.bind((local[0], 0, *local[2:]))
            port: int = first.getsockname()[1]
            second.bind((local[0], port ^ 1, *local[2:]))
        except OSError as error:
            first.close()
            second.close()
            if error.errno != errno.EADDRINUSE:
                raise
            continue
        pair = (first, second) if port % 2 == 0 else (second, first)
        pair[0].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        return pair
    raise OSError(errno.EADDRINUSE, "no pair of UDP ports is free")
