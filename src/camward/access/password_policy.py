"""Is this password good enough, and if not, why: NIST SP 800-63B with zxcvbn's estimate of what guessing costs."""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from camward.base.secret import Secret

MINIMUM = 12
"""Characters, unless the setting says otherwise."""
LONGEST = 256
"""Characters; 63B asks for 64 at least. Bounds what hashing and judging cost."""
JUDGED = 64
"""Characters that the estimate looks at; its cost grows faster than the length, and more never weakens a password."""
STRONG_ENOUGH = 3
"""zxcvbn's scale of 0 to 4: 3 is 10^8 guesses and more."""
OUR_WORDS = ("camward", "camera", "recorder", "surveillance", "security", "administrator", "admin", "i-pro")
"""What anybody would try first on this device."""
COMMON = 100_000

_PATTERNS = {
    "repeat": "it repeats itself",
    "sequence": "it is a run like abc or 6543",
    "spatial": "it is a walk over neighbouring keys",
    "date": "it is a date",
    "regex": "it is a year",
    "dictionary": "it is made of words and names that are tried early",
}


@dataclass(frozen=True, slots=True)
class PasswordVerdict:
    """Whether a password may be used.

    Args:
        ok: it may.
        reasons: why not, as parts of a sentence; empty if it may.
        strength: 0 to 4, for a meter.
        length: characters, as counted.
        minimum: characters needed.
    """

    ok: bool
    reasons: tuple[str, ...]
    strength: int
    length: int
    minimum: int

    @property
    def sentence(self) -> str:
        """The reasons as a sentence ("One character short of 12, and it is a date."); empty if the password is good."""
        if not self.reasons:
            return ""
        text = ", and ".join(self.reasons)
        return text[0].upper() + text[1:] + "."


def normalise_password(password: Secret[str]) -> Secret[str]:
    """The one form of a password whatever keyboard it was typed on (NFKC; 63B 3.1.1.2)."""
    return Secret(unicodedata.normalize("NFKC", password.reveal()))


def judge_password(password: Secret[str], name: str, *, minimum: int = MINIMUM) -> PasswordVerdict:
    """Judge a password for an account. Pure; takes a few milliseconds, 25 at most.

    Args:
        name: of the account; may be empty while it is being typed.
        minimum: characters needed.
    """
    text = normalise_password(password).reveal()
    if len(text) > LONGEST:
        return PasswordVerdict(
            ok=False,
            reasons=(f"longer than {LONGEST} characters",),
            strength=0,
            length=len(text),
            minimum=minimum,
        )
    strength, weakness = _estimate(text[:JUDGED], name)
    reasons = [reason for reason in (_short(len(text), minimum), _name_inside(text, name), weakness) if reason]
    return PasswordVerdict(not reasons, tuple(reasons), strength, len(text), minimum)


def _short(length: int, minimum: int) -> str:
    missing = minimum - length
    if missing <= 0:
        return ""
    return f"{'one character' if missing == 1 else f'{missing} characters'} short of {minimum}"


def _name_inside(text: str, name: str) -> str:
    plain = unicodedata.normalize("NFKC", name).casefold()
    return "it contains the user name" if len(plain) >= 3 and plain in text.casefold() else ""


def _estimate(text: str, name: str) -> tuple[int, str]:
    """Strength, and what makes it weak (empty: nothing)."""
    if not text:
        return 0, ""
    found = _zxcvbn()(text, user_inputs=[*OUR_WORDS, *_parts(name)], max_length=JUDGED)
    strength = int(found["score"])
    return strength, "" if strength >= STRONG_ENOUGH else _weakness(text, found["sequence"])


def _parts(name: str) -> Iterable[str]:
    return (part for part in (name, *name.replace("-", ".").replace("_", ".").split(".")) if part)


def _weakness(text: str, sequence: list[Mapping[str, Any]]) -> str:
    for match in sequence:
        if match["pattern"] == "dictionary" and match["dictionary_name"] == "passwords" and match["token"] == text:
            return f"it is among the {_rounded(match['rank'])} most guessed"
    longest = max(sequence, key=lambda match: len(match["token"]))
    return _PATTERNS.get(longest["pattern"], "it is guessed too easily")


def _rounded(rank: int) -> str:
    limit = 10
    while limit < rank:
        limit *= 10
    return f"{limit:,}".replace(",", " ")


@functools.cache
def _zxcvbn() -> Any:
    from zxcvbn import zxcvbn  # its word lists take 0.1 s and 10 MB: not before somebody chooses a password

    return zxcvbn
