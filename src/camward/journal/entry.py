"""One entry of the journal and its one form in bytes.

A line is canonical JSON: keys sorted, no spaces, UTF-8, no floats; `hash` is SHA-256 (hex) over `DOMAIN` and the same
JSON without `hash`. Because the form is unique, a line that says the same in other bytes is as broken as one that
says something else.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from camward.base.clock import Utc
from camward.base.errors import CamwardError

Plain: TypeAlias = "bool | int | str | list[Plain] | dict[str, Plain] | None"

DOMAIN = b"camward-journal-1\n"
FIRST_PREVIOUS = "0" * 64
"""`prev` of the entry with `seq` 1."""
KIND_FORM = re.compile(r"[a-z][a-z0-9_]{0,63}")
HASH_FORM = re.compile(r"[0-9a-f]{64}")
WHOLE_NUMBER = 1 << 53
"""Readers in other languages hold larger numbers as floats."""


@dataclass(frozen=True, slots=True)
class JournalLimits:
    """What an entry, a part and the whole journal may take."""

    name: int = 256
    """Characters of `who` and of `where`."""
    what: int = 2000
    """Characters of `what`."""
    depth: int = 8
    """Nesting of `details`."""
    line: int = 64 * 1024
    """Bytes of a line."""
    part: int = 1024 * 1024
    """Bytes after which the next part is begun."""
    parts: int = 64
    """Parts kept; the oldest goes when there would be more, and an entry says so."""


class JournalError(CamwardError):
    """An entry can't be written, or a line is not an entry."""

    code = "JOURNAL"


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that somebody did.

    Args:
        seq: 1, 2, 3 ...
        utc: when it was journalled.
        who: user, client, or the part of the device.
        where: address or place it came from; may be empty.
        kind: stable name, `[a-z][a-z0-9_]*` ("settings_changed").
        what: one plain sentence.
        details: plain values without floats and secrets.
        prev: hash of the entry before, hex.
        hash: this entry's, hex.
    """

    seq: int
    utc: Utc
    who: str
    where: str
    kind: str
    what: str
    details: Mapping[str, Plain]
    prev: str
    hash: str


def seal_entry(
    *,
    seq: int,
    utc: Utc,
    who: str,
    where: str,
    kind: str,
    what: str,
    details: Mapping[str, object],
    prev: str,
    limits: JournalLimits,
) -> tuple[Entry, bytes]:
    """Make an entry and its line (with the newline). Long texts are shortened, with "…" at the end.

    Raises:
        JournalError: a secret or another value that has no canonical form, a bad kind, or a line that is too long.
    """
    if not KIND_FORM.fullmatch(kind):
        raise JournalError(f"a journal entry's kind can't be {kind[:80]!r}")
    body: dict[str, Plain] = {
        "seq": seq,
        "utc": utc,
        "who": _text(who, limits.name),
        "where": _text(where, limits.name),
        "kind": kind,
        "what": _text(what, limits.what),
        "details": {_text(key, limits.name): _plain(value, limits.depth) for key, value in details.items()},
        "prev": prev,
    }
    digest = _digest(body)
    line = _canonical({**body, "hash": digest}) + b"\n"
    if len(line) > limits.line:
        raise JournalError(f"a journal entry of {len(line)} bytes is longer than {limits.line}")
    return _entry(body, digest), line


def read_line(line: bytes) -> Entry:
    """An entry from its line (without the newline), its form and its own hash checked; not its place in the chain.

    Raises:
        JournalError: not an entry, or not in its one form, or its hash does not match.
    """
    try:
        body = json.loads(line)
    except (ValueError, RecursionError):
        raise JournalError("the line is not JSON") from None
    if not isinstance(body, dict) or body.keys() != _FIELDS.keys():
        raise JournalError("the line is not a journal entry")
    if any(type(body[name]) is not kind for name, kind in _FIELDS.items()):
        raise JournalError("a field of the entry has the wrong type")
    try:
        same = _canonical(body) == line
        digest = body.pop("hash")
        right = _digest(body) == digest
    except (ValueError, RecursionError):
        raise JournalError("the entry has no canonical form") from None
    if not same:
        raise JournalError("the entry is not in its canonical form")
    if not right:
        raise JournalError("the entry does not match its hash")
    return _entry(body, digest)


_FIELDS: dict[str, type] = {
    "seq": int,
    "utc": int,
    "who": str,
    "where": str,
    "kind": str,
    "what": str,
    "details": dict,
    "prev": str,
    "hash": str,
}


def _entry(body: dict[str, Plain], digest: str) -> Entry:
    return Entry(**body, hash=digest)  # type: ignore[arg-type]


def _canonical(body: Mapping[str, Plain]) -> bytes:
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def _digest(body: Mapping[str, Plain]) -> str:
    return hashlib.sha256(DOMAIN + _canonical(body)).hexdigest()


def _text(text: object, limit: int) -> str:
    if not isinstance(text, str):
        raise JournalError(f"a journal entry can't hold a {type(text).__name__} as text")
    clean = str(text).encode("utf-8", "replace").decode()  # lone surrogates (odd file names) have no UTF-8
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


def _plain(value: object, depth: int) -> Plain:
    if depth <= 0:
        raise JournalError("the details of a journal entry are nested too deeply")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and abs(value) < WHOLE_NUMBER:
        return int(value)
    if isinstance(value, str):
        return _text(str(value), 1 << 16)
    if isinstance(value, float):
        return repr(value)  # floats have no canonical form across languages: kept as text
    if isinstance(value, Mapping):
        return {_text(key, 256): _plain(item, depth - 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item, depth - 1) for item in value]
    raise JournalError(f"a journal entry can't hold a {type(value).__name__}")
