"""The local console of a running device: a Unix socket in its state that its owner alone can open.

The command line asks a running device through it, because two processes must not write one state. One request and
one answer a connection, each a line of JSON: {"verb": ..., "arguments": {...}} -> {"result": ...} or {"error": {...}}.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import struct
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

from camward.base.errors import CamwardError, NotReachableError
from camward.base.files import private_folder

log = structlog.get_logger(__name__)

Verb = Callable[[Mapping[str, object]], Awaitable[object]]
"""Takes the arguments and gives what JSON can hold."""


@dataclass(frozen=True, slots=True)
class ConsoleLimits:
    """What one request may take.

    Args:
        line: bytes of a request or an answer.
        request_seconds: until the request is there.
        answer_seconds: until the answer is there; pairing with a camera asks over the network.
    """

    line: int = 4 * 1024 * 1024
    request_seconds: float = 5.0
    answer_seconds: float = 60.0


class ConsoleError(CamwardError):
    """The device refused; what it said comes back with its own code and exit code."""

    def __init__(self, told: Mapping[str, object]) -> None:
        super().__init__(
            str(told.get("what", "")),
            why=str(told.get("why", "")),
            next=str(told.get("next", "")),
            code=str(told.get("code", "CONSOLE")),
        )
        code = told.get("exit_code")
        self.exit_code = code if isinstance(code, int) else 1


def socket_folder(state: Path) -> Path:
    """Where the socket lives."""
    return state / "run"


class Console:
    """The device's end.

    Args:
        state: the device's.
        verbs: what can be asked.
    """

    def __init__(self, state: Path, verbs: Mapping[str, Verb], *, limits: ConsoleLimits = ConsoleLimits()) -> None:
        self._folder, self._verbs, self._limits = socket_folder(state), verbs, limits
        self._sock: socket.socket | None = None

    def open(self) -> None:
        """Listen, so that whoever is told that the device is ready finds the console."""
        self._sock = _listen(private_folder(self._folder))

    async def run(self) -> None:
        """Answer until cancelled."""
        if self._sock is None:
            self.open()
        server = await asyncio.start_unix_server(self._serve, sock=self._sock, limit=self._limits.line)
        try:
            await server.serve_forever()
        finally:
            server.close()
            self.close()

    def close(self) -> None:
        """Stop listening, also if `run` never did."""
        if self._sock is not None:
            self._sock.close()
            self._sock = None
            (self._folder / SOCKET_FILE).unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if _peer_may(writer):
                answer = await self._answer(reader)
                writer.write(json.dumps(answer).encode() + b"\n")
                await writer.drain()
        except (OSError, TimeoutError, ValueError) as error:
            log.debug("console_dropped", error=str(error))
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader) -> dict[str, object]:
        async with asyncio.timeout(self._limits.request_seconds):
            request = json.loads(await reader.readline())
        verb = self._verbs.get(str(request.get("verb")))
        arguments = request.get("arguments", {})
        if verb is None or not isinstance(arguments, dict):
            return {"error": {"what": f"this device's console knows no {request.get('verb')!r}"}}
        try:
            async with asyncio.timeout(self._limits.answer_seconds):
                return {"result": await verb(arguments)}
        except CamwardError as error:
            return {"error": _told(error)}
        except TimeoutError:
            return {"error": {"what": "it took too long", "code": "NOT-REACHABLE", "exit_code": 4}}
        except Exception as error:
            log.exception("console_verb_failed", verb=request.get("verb"))
            return {"error": {"what": f"the device failed: {error}", "next": "see its log"}}


def ask(
    state: Path, verb: str, arguments: Mapping[str, object] | None = None, *, limits: ConsoleLimits = ConsoleLimits()
) -> object:
    """Ask the device that runs on a state folder. Blocks.

    Raises:
        NotReachableError: none runs, or it did not answer.
        ConsoleError: it refused.
    """
    request = json.dumps({"verb": verb, "arguments": dict(arguments or {})}).encode() + b"\n"
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(limits.answer_seconds + 5)
            with _short_path(socket_folder(state)) as path:
                sock.connect(path)
            sock.sendall(request)
            with sock.makefile("rb") as file:
                line = file.readline(limits.line)
        answer = json.loads(line)
    except (OSError, ValueError) as error:
        raise NotReachableError(
            f"No device runs on {state}", why=str(error) if running(state) else "", next="start it first"
        ) from None
    if "error" in answer:
        raise ConsoleError(answer["error"])
    return answer["result"]


def running(state: Path) -> bool:
    """Whether a device answers on a state folder."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock, _short_path(socket_folder(state)) as path:
            sock.settimeout(2)
            sock.connect(path)
    except OSError:
        return False
    return True


SOCKET_FILE = "console.sock"


@contextlib.contextmanager
def _short_path(folder: Path) -> Iterator[str]:
    """A path of the socket that fits into the 108 bytes of an address, however deep the state lies."""
    descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}/{SOCKET_FILE}"
    finally:
        os.close(descriptor)


def _listen(folder: Path) -> socket.socket:
    # A socket left behind by a kill is nobody's: the journal's lock lets only one process come this far.
    (folder / SOCKET_FILE).unlink(missing_ok=True)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    with _short_path(folder) as path:
        sock.bind(path)
    sock.listen()
    return sock


def _peer_may(writer: asyncio.StreamWriter) -> bool:
    """Root and the device's own user; the folder's mode says the same, but a state may have been copied about."""
    sock = writer.get_extra_info("socket")
    form = struct.Struct("3i")
    _, user, _ = form.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, form.size))
    return user in (0, os.geteuid())


def _told(error: CamwardError) -> dict[str, object]:
    return {
        "what": error.what,
        "why": error.why,
        "next": error.next,
        "code": error.code,
        "exit_code": error.exit_code,
    }
