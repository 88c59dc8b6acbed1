"""The client against transcripts written after the habits of real makers' cameras; see transcripts/README.txt."""

import struct
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from camward.base.clock import NS, Utc
from camward.base.secret import Secret
from camward.media.unit import AccessUnit, StreamFormat
from camward.rtsp.core.client import ClientSession, Outputs
from camward.rtsp.core.client_address import Credentials, parse_address
from camward.rtsp.core.client_errors import AnswerError, EndedError, RefusedByServerError, RtspClientError

FOLDER = Path(__file__).parent / "transcripts"
START = 1_760_000_000 * NS
KEY = [
    bytes.fromhex("6764001facb3018024d080000003008000000a078c1934"),
    bytes.fromhex("68e9714b22c0"),
    b"\x65\x88" + b"k" * 40,
]
PICTURE = [b"\x41\x9a" + b"p" * 40]


@dataclass
class Play:
    """One transcript being played."""

    session: ClientSession
    end: str
    cut: int
    now: float = 0.0
    sequence: int = 1
    outbox: list[str] = field(default_factory=list)
    units: list[AccessUnit] = field(default_factory=list)
    forms: list[StreamFormat] = field(default_factory=list)
    error: RtspClientError | None = None
    rest: bytes = b""

    def receive(self, data: bytes) -> None:
        """In pieces of `cut` bytes, as a network may deliver them."""
        if self.error is not None:
            return
        try:
            for at in range(0, len(data), self.cut):
                view = memoryview(bytearray(self.rest + data[at : at + self.cut]))
                used = self.session.receive(view, now=self.now, utc=Utc(START + round(self.now * NS)))
                self.rest = bytes(view[used:])
                view.release()  # raises if the session kept a reference
        except RtspClientError as error:
            self.error = error
        self.outbox += [data.decode() for data in self.session.to_send()]

    def answer(self, lines: list[str]) -> None:
        body = lines.index("") + 1 if "" in lines else len(lines)
        text = self.end.join(lines[body:]) + self.end if lines[body:] else ""
        if lines[body:] and lines[body:][0].startswith(("RTSP/", "TEARDOWN", "OPTIONS")):
            text = ""  # another message follows; it is sent on its own
            self.answer(lines[:body])
            self.answer(lines[body:])
            return
        head = self.end.join([*lines[: body - 1 if "" in lines else body], "", ""])
        self.receive((head.replace("{length}", str(len(text))) + text).encode())

    def expect(self, lines: list[str]) -> None:
        assert self.error is None, self.error
        assert self.outbox, f"nothing was sent; {lines[0]} was expected"
        sent = self.outbox.pop(0).split("\r\n")
        assert sent[0] == lines[0]
        for line in lines[1:]:
            assert any(found.startswith(line) for found in sent), (line, sent)

    def frames(self, channel: int, kind: str, seconds: float) -> None:
        if kind == "NOISE":
            self.receive(struct.pack(">BBH", 36, channel, 5) + b"noise")
            return
        nals = KEY if kind == "KEY" else PICTURE
        self.now = seconds
        for index, nal in enumerate(nals):
            marker = 0x80 if index == len(nals) - 1 else 0
            head = struct.pack(">BBHII", 0x80, 96 | marker, self.sequence, round(seconds * 90_000), 7)
            self.sequence += 1
            self.receive(struct.pack(">BBH", 36, channel, len(head) + len(nal)) + head + nal)

    def holds(self, what: str) -> None:
        word, _, value = what.partition(" ")
        if word in ("refused", "unusable", "ended"):
            kinds = {"refused": RefusedByServerError, "unusable": AnswerError, "ended": EndedError}
            assert isinstance(self.error, kinds[word])
            assert self.error.diagnostics().endswith(".")
            if word == "refused":
                assert self.error.status == int(value)
            assert not self.outbox
            return
        assert self.error is None, self.error
        if word == "playing":
            assert self.session.playing
        elif word == "units":
            assert len(self.units) == int(value)
            assert self.forms[0].video.width == 768
        elif word == "note":
            assert any(value in note for note in self.session.notes), self.session.notes
        else:
            assert word == "redirect"
            assert self.session.redirect == value


def blocks(lines: list[str]) -> list[tuple[str, list[str]]]:
    """Neighbouring lines of one kind together; each * and = for itself."""
    found: list[tuple[str, list[str]]] = []
    for line in lines:
        kind, text = line[:1], line[2:]
        if found and found[-1][0] == kind and kind in "<>":
            found[-1][1].append(text)
        else:
            found.append((kind, [text]))
    return found


@pytest.mark.parametrize("cut", [1, 7, 100_000])
@pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.glob("*.txt") if path.name != "README.txt"))
def test_transcript(name: str, cut: int) -> None:
    lines = (FOLDER / name).read_text().splitlines()[1:]
    settings = [line for line in lines if line[:1] not in "<>*="]
    url = next(line[4:] for line in settings if line.startswith("url "))
    login = next((line.split()[1:] for line in settings if line.startswith("login ")), [])
    address = parse_address(url)
    credentials = Credentials(login[0], Secret(login[1])) if login else address.credentials
    units: list[AccessUnit] = []
    forms: list[StreamFormat] = []
    session = ClientSession(
        address,
        Outputs(forms.append, units.append, lambda reason: None),
        credentials=credentials,
        basic_allowed="basic" in login[2:],
    )
    play = Play(session, "\n" if "lf" in settings else "\r\n", cut, units=units, forms=forms)
    session.start(0.0)
    play.outbox += [data.decode() for data in session.to_send()]
    for kind, texts in blocks([line for line in lines if line[:1] in "<>*="]):
        if kind == ">":
            play.expect(texts)
        elif kind == "<":
            play.answer(texts)
        elif kind == "*":
            channel, what, seconds = texts[0].split()
            play.frames(int(channel), what, float(seconds))
        else:
            play.holds(texts[0])
    assert not [sent for sent in play.outbox if not sent.startswith("$")]
