"""Fuzz target: any bytes on an RTSP connection give messages or a `MessageError`, the same however they are cut."""

from __future__ import annotations

import sys
from pathlib import Path

from camward.rtsp.core.errors import MessageError
from camward.rtsp.core.headers import SessionHeader
from camward.rtsp.core.messages import Interleaved, MessageParser, Response
from camward.rtsp.core.server import Asked, ServerDialog, ServerDialogLimits
from camward.rtsp.core.transport import parse_transports


def _read(pieces: list[bytes]) -> list[object]:
    parser, found = MessageParser(), []
    try:
        for piece in pieces:
            parser.receive(piece)
            while (message := parser.next()) is not None:
                found.append(message)
    except MessageError as error:
        found.append(error.status)
    return found


def TestOneInput(data: bytes) -> None:  # noqa: N802 (the name that the fuzzer calls)
    """One input; its first byte says where it is cut."""
    cut, data = (data[0], data[1:]) if data else (0, data)
    whole = _read([data])
    assert whole == _read([data[:cut], data[cut:]])
    for message in whole:
        if not isinstance(message, int | Interleaved):
            for read, name in ((parse_transports, "Transport"), (SessionHeader.parse, "Session")):
                try:
                    read(message.headers.get(name))
                except MessageError:
                    pass
    dialog = ServerDialog(ServerDialogLimits(), 0.0)
    dialog.receive(data, 0.0)
    while (asked := dialog.next()) is not None:
        if isinstance(asked, Asked):
            dialog.answer(asked.request, Response(200))
    dialog.to_send()


TestOneInput.__test__ = False  # type: ignore[attr-defined]  # not a pytest test

if __name__ == "__main__":
    import atheris

    corpus = Path(__file__).parent / "corpus" / "rtsp_message"
    atheris.instrument_all()
    atheris.Setup([*sys.argv, str(corpus)], TestOneInput)
    atheris.Fuzz()
