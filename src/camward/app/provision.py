"""The factory's bench and the site's CA at work on a device's state, running device or not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from camward.access import Device, read_claim_code
from camward.access.store import records_path
from camward.app.addresses import machine_addresses
from camward.app.console import ask, running
from camward.app.device import kind_of, mark_kind, open_ground
from camward.app.state import MODELS, device_of
from camward.base.clock import SystemClock
from camward.base.errors import CamwardError
from camward.base.files import flush_folder
from camward.base.secret import Secret
from camward.factory import Label, issue_device, issue_tls, label
from camward.trust import DeviceIdentity, TlsState


class ClaimedError(CamwardError):
    """The device has an owner, and its code is spent."""

    code = "CLAIMED"

    def __init__(self) -> None:
        hint = "log in, or reset the device to factory state at its console"
        super().__init__("This device has an administrator; its claim code is spent", next=hint)


def model_name(kind: Device) -> str:
    """What a device's certificates call its model."""
    return f"Camward {kind.value}"


def identity_of(state: Path, *, kind: Device | None = None) -> DeviceIdentity:
    """The identity in a state folder."""
    return DeviceIdentity.of_state(state, name=model_name(device_of(state, kind=kind)))


def provision(
    root: Path,
    state: Path,
    *,
    kind: Device,
    passphrase: Secret[str] | None,
    name: str = "",
    serial: str | None = None,
    replace: bool = False,
) -> DeviceIdentity:
    """Give the device of a state folder its identity; a new folder becomes a device of this kind.

    Raises:
        ConfigurationError: see `issue_device`; or the device runs.
    """
    if running(state):
        raise CamwardError(f"the device on {state} runs", next="stop it first", code="RUNNING")
    kind = kind_of(state) or kind
    mark_kind(state, kind)
    return issue_device(
        root,
        state,
        passphrase=passphrase,
        name=name or model_name(kind),
        serial=serial,
        replace=replace,
        now=SystemClock().utc(),
    )


def issue_tls_to(
    state: Path, site: Path, *, addresses: Sequence[str] = (), passphrase: Secret[str] | None = None
) -> TlsState:
    """A TLS certificate from the site's CA for the device of a state folder; a running one serves it at once.

    Args:
        state: the device's.
        site: the site CA's folder.
        addresses: DNS names and IP addresses; none: those of this machine.
        passphrase: of the site's key.

    Raises:
        ConfigurationError: see `issue_tls`.
    """
    now = SystemClock().utc()
    wanted = list(addresses) or machine_addresses()
    identity = identity_of(state)
    chain = issue_tls(site, identity.tls_request(wanted, now=now), wanted, passphrase=passphrase, now=now)
    identity.install_tls(chain)
    if running(state):
        ask(state, "renew_certificate")
    return identity.tls_state(wanted, now=now)


def tls_due(state: Path) -> bool:
    """Whether a device's TLS certificate should be issued by the site's CA now."""
    now, identity = SystemClock().utc(), identity_of(state)
    if not identity.tls_chain_path.exists():
        return True
    found = identity.tls_state(machine_addresses(), now=now)
    return found.due or found.self_signed


def claim_code(state: Path) -> Secret[str]:
    """The code that proves physical possession of a device that nobody owns yet; made now if it never ran.

    Raises:
        ClaimedError: it was claimed.
        ConfigurationError: no device's state.
    """
    kind = device_of(state)
    try:
        code = read_claim_code(state)
    except FileNotFoundError:
        with open_ground(state, kind, MODELS[kind]) as ground:
            code = ground.access.claim.code()
    if code is None:
        raise ClaimedError()
    return code


def label_of(state: Path) -> Label:
    """What is printed on the device."""
    return label(identity_of(state), claim_code=claim_code(state))


def factory_reset(state: Path, *, who: str) -> Secret[str]:
    """Forget accounts, client secrets, owner and settings; returns the new claim code. Identity and journal stay.

    Raises:
        CamwardError: the device runs.
        ConfigurationError: no device's state.
    """
    kind = device_of(state)
    if running(state):
        raise CamwardError(f"the device on {state} runs", next="stop it first", code="RUNNING")
    with open_ground(state, kind, MODELS[kind]) as ground:
        what = "Reset to factory state: accounts, client secrets, owner and settings are gone"
        ground.journal.append("factory_reset", who=who, what=what)
        ground.settings.replace("", who=who)
        ground.access.close()
        records_path(state).unlink(missing_ok=True)
        flush_folder(records_path(state).parent)
    return claim_code(state)
