"""Times and ranges of a request: milliseconds since 1970 or RFC 3339 in, nanoseconds out, or a clear refusal."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from camward.base.clock import NS, Utc
from camward.base.errors import ProtocolError

MS = NS // 1000
LATEST = 4_102_444_800 * NS
"""2100-01-01: a time after it is a mistake in units."""

_NUMBER = re.compile(r"[0-9]{1,16}(\.[0-9]{1,9})?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class BadRangeError(ProtocolError):
    """A time or range in a request that can't be used."""

    code = "BAD-RANGE"


@dataclass(frozen=True, slots=True)
class Range:
    """From (included) to (excluded), in nanoseconds since 1970."""

    start: Utc
    end: Utc

    @property
    def seconds(self) -> float:
        """Its length."""
        return (self.end - self.start) / NS


def read_time(text: str, *, name: str = "time") -> Utc:
    """A time as programs and people write it.

    Args:
        text: milliseconds since 1970 (a fraction is allowed), or RFC 3339 with a zone.
        name: of the parameter, for the error.

    Raises:
        BadRangeError: neither, or not between 1970 and 2100.
    """
    word = text.strip()
    if _NUMBER.fullmatch(word):
        whole, _, part = word.partition(".")
        value = int(whole) * MS + int(part.ljust(6, "0")[:6] or 0)
    else:
        value = _read_date(word, name)
    if not 0 <= value <= LATEST:
        raise BadRangeError(
            f'The parameter "{name}" is not between 1970 and 2100',
            why="times are milliseconds, not seconds or microseconds",
            next="write it like 1763994727480 or 2025-11-24T14:32:07.480Z",
        )
    return Utc(value)


def _read_date(word: str, name: str) -> int:
    try:
        if len(word) > 40:
            raise ValueError
        date = datetime.fromisoformat(word)
        if date.tzinfo is None:
            raise ValueError
        since = date - _EPOCH
    except (ValueError, OverflowError):
        raise BadRangeError(
            f'The parameter "{name}" is no time: "{word[:40]}"',
            next="write it like 1763994727480 (milliseconds) or 2025-11-24T14:32:07.480Z (with a zone)",
        ) from None
    return (since.days * 86_400 + since.seconds) * NS + since.microseconds * 1000


def read_range(start: str, end: str, *, longest: float) -> Range:
    """A range of time.

    Args:
        start: see `read_time`.
        end: likewise, later than `start`.
        longest: seconds that a request may ask for at once.

    Raises:
        BadRangeError: not a range, or a longer one.
    """
    found = Range(read_time(start, name="from"), read_time(end, name="to"))
    if found.end <= found.start:
        raise BadRangeError('"to" is not later than "from"', next="give a range that ends after it begins")
    if found.seconds > longest:
        raise BadRangeError(f"The range is longer than {longest / 3600:g} hours", next="ask for it in parts")
    return found


def milliseconds(utc: int) -> float:
    """As the pages count time; exact to a microsecond."""
    return round(utc / 1e6, 3)


def iso(utc: int) -> str:
    """RFC 3339, UTC, with milliseconds."""
    return datetime.fromtimestamp(utc / NS, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
