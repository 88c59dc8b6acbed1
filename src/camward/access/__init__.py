"""Accounts, roles, passwords, Digest, sessions, client secrets, claim: who asks, and may they?

The way in: `Access` is one device's; `may` is the one question. Everything else that another room needs is here too,
but for `access.errors` and `access.settings`.
"""

from camward.access.access import Access, AccessLimits
from camward.access.claim import PairedClient, read_claim_code
from camward.access.claim_code import normalise_claim_code, pairing_proof
from camward.access.digest_client import NonceCounter, answer_challenge
from camward.access.digest_gate import DigestConnection
from camward.access.password_policy import PasswordVerdict, judge_password
from camward.access.passwords import HashCost
from camward.access.principal import NOBODY, ROLES, Device, Kind, Principal, Role, Scope
from camward.access.sessions import Session
from camward.access.table import Action, may, may_somewhere

__all__ = [
    "NOBODY",
    "ROLES",
    "Access",
    "AccessLimits",
    "Action",
    "Device",
    "DigestConnection",
    "HashCost",
    "Kind",
    "NonceCounter",
    "PairedClient",
    "PasswordVerdict",
    "Principal",
    "Role",
    "Scope",
    "Session",
    "answer_challenge",
    "judge_password",
    "may",
    "may_somewhere",
    "normalise_claim_code",
    "pairing_proof",
    "read_claim_code",
]
