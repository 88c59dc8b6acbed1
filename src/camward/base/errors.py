"""The root of all errors that Camward raises on purpose.

CamwardError                what, why, next; a stable code
├── ConfigurationError      exit 3
├── NotReachableError       exit 4
├── NotPermittedError       exit 5
└── ProtocolError           peer input broke a rule or a limit; each core has a subclass
"""

from __future__ import annotations


class CamwardError(Exception):
    """Something went wrong that a person should read about.

    Args:
        what: what happened, one sentence.
        why: the likely cause.
        next: what to do about it.
        code: stable string, for scripts and searches.
    """

    exit_code = 1
    code = "CAMWARD"

    def __init__(self, what: str, *, why: str = "", next: str = "", code: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.next = next
        if code is not None:
            self.code = code

    def diagnostics(self) -> str:
        """One line: what, why, what to do next."""
        parts = (text.rstrip(".") for text in (self.what, self.why, self.next) if text)
        return " ".join(text if text.endswith(("?", "!", "…")) else text + "." for text in parts)


class ConfigurationError(CamwardError):
    """The settings can't be used as they are."""

    exit_code = 3
    code = "CONFIGURATION"


class NotReachableError(CamwardError):
    """A device or a server did not answer."""

    exit_code = 4
    code = "NOT-REACHABLE"


class NotPermittedError(CamwardError):
    """The peer answered and refused, or may not do this."""

    exit_code = 5
    code = "NOT-PERMITTED"


class ProtocolError(CamwardError):
    """A peer broke a protocol's rule or one of our limits. The only error a core raises on peer input."""

    code = "PROTOCOL"
