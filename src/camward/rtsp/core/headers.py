"""Header fields of RTSP messages: ordered, names without case, and the `Transport` and `Session` values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from camward.rtsp.core.errors import MessageError


class Headers:
    """Fields in the order of the message. Immutable.

    Args:
        fields: pairs of name and value, as they came.
    """

    __slots__ = ("_fields",)

    def __init__(self, *fields: tuple[str, str]) -> None:
        self._fields = fields

    def get(self, name: str, default: str = "") -> str:
        """The first value of this name."""
        wanted = name.lower()
        return next((value for key, value in self._fields if key.lower() == wanted), default)

    def all(self, name: str) -> list[str]:
        """Every value of this name: one for each challenge, say."""
        wanted = name.lower()
        return [value for key, value in self._fields if key.lower() == wanted]

    def adding(self, *fields: tuple[str, str]) -> Headers:
        """These and further fields."""
        return Headers(*self._fields, *fields)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and any(key.lower() == name.lower() for key, _ in self._fields)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and self._fields == other._fields

    def __hash__(self) -> int:
        return hash(self._fields)

    def __repr__(self) -> str:
        # Names only: an Authorization value must not find its way into a log.
        return f"Headers({', '.join(key for key, _ in self._fields)})"


@dataclass(frozen=True, slots=True)
class SessionHeader:
    """The value of `Session`.

    Args:
        id: opaque.
        timeout: seconds of silence until the server ends the session (RFC 2326 12.37: 60 when not said).
    """

    id: str
    timeout: int = 60

    @classmethod
    def parse(cls, value: str) -> SessionHeader:
        """Read it; an unreadable timeout counts as not said.

        Raises:
            MessageError: no id.
        """
        name, *parameters = (part.strip() for part in value.split(";"))
        if not name:
            raise MessageError("A Session header has no session in it")
        for parameter in parameters:
            key, _, number = parameter.partition("=")
            if key.strip().lower() == "timeout" and number.strip().isascii() and number.strip().isdigit():
                return cls(name, min(int(number.strip()[:9]), 86_400))
        return cls(name)

    def serialise(self) -> str:
        """The value."""
        return f"{self.id};timeout={self.timeout}"
