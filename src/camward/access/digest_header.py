"""Challenges of HTTP authentication and the answers to them, parsed within limits (RFC 9110 11, RFC 7616)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from camward.access.errors import DigestError


@dataclass(frozen=True, slots=True)
class DigestHeaderLimits:
    """What a peer's field may be.

    Args:
        characters: of the whole field.
        parameters: of one challenge or answer.
        challenges: in one field.
        value: characters of one parameter's value.
    """

    characters: int = 4096
    parameters: int = 24
    challenges: int = 8
    value: int = 1024


@dataclass(frozen=True, slots=True)
class Challenge:
    """One challenge of a `WWW-Authenticate` field.

    Args:
        scheme: lower case: "digest", "basic" ...
        parameters: names in lower case.
    """

    scheme: str
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class DigestAnswer:
    """What a client sends in `Authorization: Digest ...`.

    Args:
        username: as sent; a hash if `userhash`.
        userhash: whether it is.
        algorithm: as sent, upper case; "MD5" if not sent.
        qop: "auth", "auth-int", or empty (RFC 2069).
        count: the nonce count; 0 without `qop`.
    """

    username: str
    userhash: bool
    realm: str
    nonce: str
    uri: str
    response: str
    algorithm: str
    qop: str
    count: int
    count_text: str
    cnonce: str


_NAME = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_PARAMETER = re.compile(
    rf'[ \t]*({_NAME})[ \t]*=[ \t]*(?:"([^"\\]*(?:\\.[^"\\]*)*)"|([^\s",=][^\s",]*|))[ \t]*(?:,[ \t,]*|$)'
)
_SCHEME = re.compile(rf"[ \t]*({_NAME})(?:[ \t]+|$|(?=,))")
_EMPTY = re.compile(r"[ \t,]*")
_BLOB = re.compile(r"[A-Za-z0-9._~+/\-]+=*[ \t]*(?:,[ \t,]*|$)")
_SCHEME_WITH_MORE = re.compile(rf"{_NAME}[ \t]+{_NAME}[ \t]*=")
_ESCAPE = re.compile(r"\\(.)")
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f\ud800-\udc7f\udd00-\udfff]")
"""Control characters, and surrogates that stand for no byte; those of undecodable bytes (PEP 383) may pass."""
_COUNT = re.compile(r"[0-9a-fA-F]{8}")
_HEX = re.compile(r"[0-9a-fA-F]{32,128}")
_NEEDED = ("realm", "nonce", "uri", "response")


def parse_challenges(field: str, limits: DigestHeaderLimits = DigestHeaderLimits()) -> list[Challenge]:
    """The challenges of one field, in its order.

    Raises:
        DigestError: not well formed, or beyond a limit.
    """
    _check_field(field, limits)
    found: list[Challenge] = []
    at = _skip(field, 0)
    while at < len(field):
        scheme = _SCHEME.match(field, at)
        if scheme is None:
            raise DigestError("the challenge has no scheme")
        if len(found) == limits.challenges:
            raise DigestError(f"more than {limits.challenges} challenges in one field")
        parameters, at = _parameters(field, scheme.end(), limits)
        if not parameters and (blob := _BLOB.match(field, at)) and not _SCHEME_WITH_MORE.match(field, at):
            at = blob.end()  # a scheme with a token68, which we don't answer
        found.append(Challenge(scheme[1].lower(), parameters))
        at = _skip(field, at)
    return found


def parse_answer(field: str, limits: DigestHeaderLimits = DigestHeaderLimits()) -> DigestAnswer:
    """What a client answers in `Authorization`, or in `Proxy-Authorization`.

    Raises:
        DigestError: another scheme, not well formed, or beyond a limit.
    """
    _check_field(field, limits)
    scheme = _SCHEME.match(field)
    if scheme is None or scheme[1].lower() != "digest":
        raise DigestError("the scheme is not Digest")
    values, at = _parameters(field, scheme.end(), limits)
    if at != len(field):
        raise DigestError("the Digest answer is not a list of parameters")
    if missing := [name for name in _NEEDED if name not in values]:
        raise DigestError(f"the Digest answer has no {missing[0]}")
    if not _HEX.fullmatch(values["response"]):
        raise DigestError("the Digest response is not hexadecimal")
    return _answer(values)


def _answer(values: Mapping[str, str]) -> DigestAnswer:
    qop = values.get("qop", "").lower()
    count_text = values.get("nc", "")
    if qop and (qop not in ("auth", "auth-int") or not values.get("cnonce") or not _COUNT.fullmatch(count_text)):
        raise DigestError("the Digest answer's qop, nc or cnonce is wrong")
    return DigestAnswer(
        username=_username(values),
        userhash=values.get("userhash", "").lower() == "true",
        realm=values["realm"],
        nonce=values["nonce"],
        uri=values["uri"],
        response=values["response"].lower(),
        algorithm=values.get("algorithm", "MD5").upper(),
        qop=qop,
        count=int(count_text, 16) if qop else 0,
        count_text=count_text,
        cnonce=values.get("cnonce", ""),
    )


def _username(values: Mapping[str, str]) -> str:
    if ("username" in values) == ("username*" in values):
        raise DigestError("the Digest answer has no user name, or two")
    if "username" in values:
        return values["username"]
    charset, _, rest = values["username*"].partition("'")  # RFC 8187
    encoded = rest.partition("'")[2]
    try:
        if charset.upper() != "UTF-8" or "'" not in rest:
            raise ValueError(charset)
        return unquote_to_bytes(encoded).decode()
    except ValueError:
        raise DigestError("the Digest answer's user name is not UTF-8") from None


def quoted(value: str) -> str:
    """A quoted-string.

    Raises:
        DigestError: it holds a control character.
    """
    if _CONTROL.search(value):
        raise DigestError("a control character in a header field")
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _check_field(field: str, limits: DigestHeaderLimits) -> None:
    if len(field) > limits.characters:
        raise DigestError(f"an authentication field of more than {limits.characters} characters")
    if _CONTROL.search(field):
        raise DigestError("a control character in an authentication field")


def _skip(field: str, at: int) -> int:
    match = _EMPTY.match(field, at)
    return match.end() if match else at


def _parameters(field: str, at: int, limits: DigestHeaderLimits) -> tuple[dict[str, str], int]:
    """Parameters from `at` on, and where they end: at the field's end or the next challenge's scheme."""
    values: dict[str, str] = {}
    while match := _PARAMETER.match(field, at):
        name, text, token = match.groups()
        name = name.lower()
        value = token if text is None else (_ESCAPE.sub(r"\1", text) if "\\" in text else text)
        if name in values:
            raise DigestError(f"{name[:40]} stands twice in an authentication field")
        if len(values) == limits.parameters or len(value) > limits.value:
            raise DigestError("too many or too long parameters in an authentication field")
        values[name] = value
        at = match.end()
    return values, at
