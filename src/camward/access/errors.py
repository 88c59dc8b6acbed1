"""What `access` raises.

CamwardError
├── NotPermittedError
│   ├── LoginRefusedError       wrong name or password, or this address must wait: one sentence for all
│   ├── DigestRefusedError      the request needs (other) credentials; carries the challenges
│   ├── ClaimRefusedError       wrong claim code or proof, or this address must wait
│   └── AlreadyClaimedError     there is an administrator already
├── AccountError                an account can't be as asked: name, role, number, last administrator
│   └── PasswordRefusedError    carries the verdict
├── ConfigurationError          the file of accounts can't be used
└── ProtocolError
    ├── DigestError             a challenge or an answer to one is not well formed, or there is none we may answer
    ├── ClaimCodeError          not of the form of a claim code
    ├── OwnerKeyError           not a P-256 public key in its one form, or not the pinned one
    └── PairingError            what a recorder sent can't be used
"""

from __future__ import annotations

from collections.abc import Sequence

from camward.access.password_policy import PasswordVerdict
from camward.base.errors import CamwardError, NotPermittedError, ProtocolError

LOGIN_SENTENCE = "The name or the password is wrong, or this address has to wait"


class LoginRefusedError(NotPermittedError):
    """Not logged in. Says the same whatever the cause, so that names can't be found out.

    Args:
        wait: seconds that this address has to wait before the next try; 0: none.
    """

    code = "LOGIN-REFUSED"

    def __init__(self, wait: float = 0.0) -> None:
        super().__init__(LOGIN_SENTENCE, next=_try_again(wait))
        self.wait = wait


class DigestRefusedError(NotPermittedError):
    """A request without the right credentials.

    Args:
        challenges: values of as many `WWW-Authenticate` fields, to be sent in this order.
        wait: seconds that this address has to wait; 0: none. For `Retry-After`.
        status: 401; 400 if the header was malformed; 429 if the address has to wait.
    """

    code = "DIGEST-REFUSED"

    def __init__(self, challenges: Sequence[str], *, wait: float = 0.0, status: int = 401) -> None:
        super().__init__("This needs a client name and its secret", next=_try_again(wait))
        self.challenges = list(challenges)
        self.wait = wait
        self.status = status


class ClaimRefusedError(NotPermittedError):
    """The claim code or the proof is wrong, or this address has to wait.

    Args:
        wait: seconds to wait before the next try; 0: none.
        tries: wrong codes and proofs since the device started.
    """

    code = "CLAIM-REFUSED"

    def __init__(self, *, wait: float = 0.0, tries: int = 0) -> None:
        super().__init__(
            "This is not the claim code of this device" if not wait else "Too many wrong claim codes from this address",
            why="it stands on the device's label, or at its console",
            next=_try_again(wait),
        )
        self.wait = wait
        self.tries = tries


class AlreadyClaimedError(NotPermittedError):
    """Somebody has made the administrator.

    Args:
        ago: seconds since then; None if the clock can't tell.
    """

    code = "ALREADY-CLAIMED"

    def __init__(self, ago: float | None) -> None:
        when = "" if ago is None else f" {_span(ago)} ago"
        super().__init__(
            f"Someone made the administrator of this device{when}",
            next="log in; if it was not you, reset the device to factory state at its console",
        )
        self.ago = ago


class AccountError(CamwardError):
    """An account or a client can't be made or changed as asked."""

    code = "ACCOUNT"


class PasswordRefusedError(AccountError):
    """The password is too easy to guess, or breaks a rule.

    Args:
        verdict: with the reasons.
    """

    code = "PASSWORD"

    def __init__(self, verdict: PasswordVerdict) -> None:
        super().__init__("The password is not strong enough", why=verdict.sentence, next="choose another password")
        self.verdict = verdict


class DigestError(ProtocolError):
    """A challenge, or the answer to one, is not well formed; or there is no challenge that we may answer."""

    code = "DIGEST"


class ClaimCodeError(ProtocolError):
    """This can't be a claim code."""

    code = "CLAIM-CODE"


class OwnerKeyError(ProtocolError):
    """This can't be an owner's key."""

    code = "OWNER-KEY"


class PairingError(ProtocolError):
    """What a recorder sent to be paired can't be used."""

    code = "PAIRING"


def _try_again(wait: float) -> str:
    return f"try again in {_span(wait)}" if wait else ""


def _span(seconds: float) -> str:
    whole = max(1, round(seconds))
    if whole < 120:
        return f"{whole} second{'s' if whole > 1 else ''}"
    if whole < 7200:
        return f"{whole // 60} minutes"
    return f"{whole // 3600} hours" if whole < 172_800 else f"{whole // 86_400} days"
