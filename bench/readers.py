"""Many RTSP/TCP viewers in one process that throw away what they get: `python -m bench.readers URL COUNT SECONDS`.

They sign in with Digest ("name:secret" in the file that `BENCH_LOGIN_FILE` names), play, and then only count: the
kernel drops the bytes (MSG_TRUNC), so that the viewers cost as little as can be and the server's own cost is what is
seen. Prints "playing" when all do, and bytes per viewer as JSON at the end.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import select
import socket
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit


class Viewer:
    """One client: a blocking handshake, then a socket to be drained."""

    def __init__(self, url: str, login: tuple[str, str] | None) -> None:
        parts = urlsplit(url)
        self.url, self.login = url, login
        self.socket = socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 554), timeout=20)
        self.received = 0
        self._number = 0
        self._challenge: dict[str, str] = {}
        self._rest = b""
        description = self._ask("DESCRIBE", url, "Accept: application/sdp\r\n")
        base = (re.search(r"(?im)^content-base:\s*(\S+)", description) or [None, url + "/"])[1]
        control = re.search(r"(?s)m=video.*?a=control:(\S+)", description)
        assert control is not None, description
        track = control[1] if control[1].startswith("rtsp") else base.rstrip("/") + "/" + control[1]
        setup = self._ask("SETUP", track, "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n")
        session = re.search(r"(?im)^session:\s*([^;\s]+)", setup)
        assert session is not None, setup
        self._ask("PLAY", base, f"Session: {session[1]}\r\n")

    def _ask(self, method: str, url: str, fields: str) -> str:
        answer = self._exchange(method, url, fields)
        if " 401 " in answer.split("\r\n", 1)[0] and self.login is not None:
            line = next(
                li
                for li in answer.split("\r\n")
                if li.lower().startswith("www-authenticate: digest") and "SHA" not in li
            )
            self._challenge = dict(re.findall(r'(\w+)="([^"]*)"', line))
            answer = self._exchange(method, url, fields)
        status = answer.split("\r\n", 1)[0]
        assert " 200 " in status, f"{method}: {status}"
        return answer

    def _exchange(self, method: str, url: str, fields: str) -> str:
        self._number += 1
        request = f"{method} {url} RTSP/1.0\r\nCSeq: {self._number}\r\n{fields}{self._authorization(method, url)}\r\n"
        self.socket.sendall(request.encode())
        while True:
            data = self._rest
            while data[:1] == b"$":  # some servers send media ahead of the answer to PLAY
                if len(data) < 4 or len(data) < 4 + int.from_bytes(data[2:4], "big"):
                    break
                data = data[4 + int.from_bytes(data[2:4], "big") :]
            self._rest = data
            head, found, tail = data.partition(b"\r\n\r\n") if data[:1] == b"R" else (b"", b"", b"")
            if found:
                size = int((re.search(rb"(?im)^content-length:\s*(\d+)", head) or [b"0", b"0"])[1])
                if len(tail) >= size:
                    self._rest = tail[size:]
                    return (head + b"\r\n\r\n" + tail[:size]).decode()
            more = self.socket.recv(1 << 16)
            assert more, f"{method}: the server closed"
            self._rest += more

    def await_picture(self) -> None:
        """Read until a packet with the marker bit: the last one of a picture (RFC 6184 5.1)."""
        while True:
            size = int.from_bytes(self._rest[2:4], "big")
            while len(self._rest) < 4 or len(self._rest) < 4 + size:
                more = self.socket.recv(1 << 16)
                assert more, "the server closed"
                self._rest += more
                size = int.from_bytes(self._rest[2:4], "big")
            channel, marker = self._rest[1], self._rest[5] & 0x80
            self._rest = self._rest[4 + size :]
            if channel == 0 and marker:
                return

    def _authorization(self, method: str, url: str) -> str:
        if self.login is None or not self._challenge:
            return ""
        name, secret = self.login
        realm, nonce = self._challenge["realm"], self._challenge["nonce"]
        ha1 = hashlib.md5(f"{name}:{realm}:{secret}".encode()).hexdigest()
        ha2 = hashlib.md5(f"{method}:{url}".encode()).hexdigest()
        nc, cnonce = f"{self._number:08x}", os.urandom(8).hex()
        response = hashlib.md5(f"{ha1}:{nonce}:{nc}:{cnonce}:auth:{ha2}".encode()).hexdigest()
        return (
            f'Authorization: Digest username="{name}", realm="{realm}", nonce="{nonce}", uri="{url}", '
            f'response="{response}", algorithm=MD5, qop=auth, nc={nc}, cnonce="{cnonce}"\r\n'
        )


def drain(viewers: list[Viewer], seconds: float) -> None:
    """Count what comes for a while."""
    poll = select.epoll()
    by_number = {viewer.socket.fileno(): viewer for viewer in viewers}
    for viewer in viewers:
        viewer.socket.setblocking(False)
        poll.register(viewer.socket, select.EPOLLIN)
    room = bytearray(1 << 20)
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        for number, _ in poll.poll(left):
            viewer = by_number[number]
            try:
                count = viewer.socket.recv_into(room, len(room), socket.MSG_TRUNC)
            except BlockingIOError:
                continue
            assert count, "the server closed a viewer"
            viewer.received += count


def main() -> None:
    """Sign in, play, count."""
    url, count, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    path = os.environ.get("BENCH_LOGIN_FILE")
    name, _, secret = Path(path).read_text().strip().partition(":") if path else ("", "", "")
    viewers = [Viewer(url, (name, secret) if path else None) for _ in range(count)]
    print("playing", flush=True)
    drain(viewers, seconds)
    print(json.dumps([viewer.received for viewer in viewers]), flush=True)


if __name__ == "__main__":
    main()
