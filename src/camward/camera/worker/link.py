"""The worker's end of the socket: reports out from any thread, orders in on the main one."""

from __future__ import annotations

import select
import socket
import threading

from camward.camera.orders import Order, decode_order
from camward.camera.wire import FrameSplitter, LogReport, Report, encode_report, encode_unit
from camward.media.unit import AccessUnit


class LinkClosedError(Exception):
    """The front is gone; there is nothing left to do."""


class Link:
    """Wraps the inherited socket, which stays blocking: a front that is slow slows the source, nothing is lost."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._sending = threading.Lock()
        self._splitter = FrameSplitter()

    def send(self, report: Report) -> None:
        """Report; returns when the kernel has it.

        Raises:
            LinkClosedError: nobody listens.
        """
        self._write(encode_report(report))

    def send_unit(self, streams: int, unit: AccessUnit) -> None:
        """Report an access unit for the streams whose bits are set; see `send`."""
        self._write(encode_unit(streams, unit))

    def log(self, text: str) -> None:
        """A line for the front's log; see `send`."""
        self.send(LogReport(text))

    def _write(self, chunks: list[bytes]) -> None:
        with self._sending:
            try:
                sent = self._socket.sendmsg(chunks)
                total = sum(map(len, chunks))
                if sent < total:
                    self._socket.sendall(memoryview(b"".join(chunks))[sent:])
            except OSError as error:
                raise LinkClosedError from error

    def orders(self, timeout: float) -> list[Order]:
        """The orders that came; waits at most `timeout` seconds for the first.

        Raises:
            LinkClosedError: the front closed the socket.
        """
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        if not poll.poll(timeout * 1000):
            return []
        try:
            data = self._socket.recv(256 * 1024)
        except OSError as error:
            raise LinkClosedError from error
        if not data:
            raise LinkClosedError
        return [decode_order(frame) for frame in self._splitter.receive(data)]
