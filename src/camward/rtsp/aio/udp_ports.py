"""A pair of UDP ports, RTP even and RTCP odd, connected to one client's; segmented sends where the kernel has them."""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
from collections.abc import Callable

from camward.rtsp.core.packetizer import PACKET

UDP_SEGMENT = 103
"""Socket option and control message of linux/udp.h, missing in Python's `socket`."""
TRIES = 64
SEND_BUFFER = 1024 * 1024
RECEIVE_BUFFER = 16 * 1024
DATAGRAMS = 16
"""Datagrams read at most before others have their turn."""

_NO_SEGMENTS = frozenset({errno.EIO, errno.EINVAL, errno.EOPNOTSUPP, errno.ENOPROTOOPT, errno.EMSGSIZE})
_FULL = frozenset({errno.EAGAIN, errno.ENOBUFS})


class UdpPorts:
    """One track's two sockets; the kernel lets in what comes from the client's ports alone.

    Args:
        local: address of the RTSP connection on our side, as from `getsockname`.
        peer: its address on the client's side.
        client: the client's ports, RTP and RTCP.
        on_packet: gets each RTCP datagram.

    Raises:
        OSError: no pair of ports is free, or the client's can't be reached.
    """

    def __init__(
        self,
        local: tuple[str, int],
        peer: tuple[str, int],
        client: tuple[int, int],
        *,
        on_packet: Callable[[bytes], None],
    ) -> None:
        self._rtp, self._rtcp = _bound(local)
        self._on_packet = on_packet
        self._segments = True
        self.ports: tuple[int, int] = (self._rtp.getsockname()[1], self._rtcp.getsockname()[1])
        try:
            for sock, port in zip((self._rtp, self._rtcp), client, strict=True):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
                sock.connect((peer[0], port, *peer[2:]))
            asyncio.get_running_loop().add_reader(self._rtcp, self._receive)
        except BaseException:
            self._rtp.close()
            self._rtcp.close()
            raise

    def send(self, run: bytes, size: int) -> bool:
        """Send packets of `size` bytes each, the last one perhaps shorter, in one call. False: the buffer is full."""
        try:
            if len(run) <= size:
                self._rtp.send(run)
            elif self._segments:
                self._rtp.sendmsg([run], _FIXED if size == PACKET else _segment(size))
            else:
                self._send_singly(run, size)
        except OSError as error:
            if error.errno in _FULL:
                return False
            if self._segments and len(run) > size and error.errno in _NO_SEGMENTS:
                self._segments = False
                return self.send(run, size)
            # Nobody listens at the client's port (yet), or its network is away: as good as lost on the way.
        return True

    def _send_singly(self, run: bytes, size: int) -> None:
        view = memoryview(run)
        for begin in range(0, len(run), size):
            self._rtp.send(view[begin : begin + size])

    def report(self, data: bytes) -> None:
        """Send an RTCP packet; lost if that can't be."""
        try:
            self._rtcp.send(data)
        except OSError:
            pass

    def _receive(self) -> None:
        for _ in range(DATAGRAMS):
            try:
                data = self._rtcp.recv(2048)
            except OSError as error:
                if error.errno == errno.EAGAIN:
                    return
                continue  # an ICMP error of an earlier send, reported once
            self._on_packet(data)

    def close(self) -> None:
        """Close both sockets."""
        asyncio.get_running_loop().remove_reader(self._rtcp)
        self._rtp.close()
        self._rtcp.close()


def _segment(size: int) -> list[tuple[int, int, bytes]]:
    return [(socket.IPPROTO_UDP, UDP_SEGMENT, struct.pack("=H", size))]


_FIXED = _segment(PACKET)


def _bound(local: tuple[str, int]) -> tuple[socket.socket, socket.socket]:
    """Two sockets on an even port and the one above it (RFC 3550 11), chosen by the kernel."""
    family = socket.AF_INET6 if ":" in local[0] else socket.AF_INET
    for _ in range(TRIES):
        opened = [socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC) for _ in "ab"]
        first, second = opened
        try:
            first.bind((local[0], 0, *local[2:]))
            port: int = first.getsockname()[1]
            second.bind((local[0], port ^ 1, *local[2:]))
        except OSError as error:
            for sock in opened:
                sock.close()
            if error.errno != errno.EADDRINUSE:
                raise
            continue
        return (first, second) if port % 2 == 0 else (second, first)
    raise OSError(errno.EADDRINUSE, "no pair of UDP ports is free")
