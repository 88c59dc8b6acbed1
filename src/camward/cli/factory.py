"""`camward factory`: the private root, devices' identities, the site's CA for TLS, labels, revocation."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from camward.cli.output import JSON_OPTION, STATE_OPTION, confirm, emit, note, read_secret, table
from camward.cli.settings import Kind

if TYPE_CHECKING:
    from camward.factory.authority import Authority

app = typer.Typer(help="A private root CA, and the identities of devices below it.", no_args_is_help=True)

ROOT_OPTION = typer.Option(Path("factory"), "--root", help="Folder of the factory root; keep it offline.")
SITE_OPTION = typer.Option(Path("site"), "--site", help="Folder of the site's CA.")
PASSPHRASE_OPTION = typer.Option(
    None, "--passphrase-file", help="File with the passphrase of the CA's key; - is stdin.", show_default=False
)


@app.command()
def init(
    folder: Path = ROOT_OPTION,
    name: str = typer.Option("Camward factory root", help="Name in the certificate."),
    passphrase_file: Path | None = PASSPHRASE_OPTION,
    as_json: bool = JSON_OPTION,
) -> None:
    """Make a root. Without a passphrase its key lies in the folder in the clear."""
    from camward.base.clock import SystemClock
    from camward.factory import init_root

    passphrase = read_secret(passphrase_file)
    root = init_root(folder, passphrase=passphrase, name=name, now=SystemClock().utc())
    if passphrase is None:
        note("Warning: the root's key has no passphrase (--passphrase-file). Whoever reads it can make devices.")
    _print_authority("factory-root", root, as_json=as_json)


@app.command()
def site(
    root: Path = ROOT_OPTION,
    folder: Path = SITE_OPTION,
    name: str = typer.Option("Camward site", help="Name in the certificate."),
    passphrase_file: Path | None = PASSPHRASE_OPTION,
    site_passphrase_file: Path | None = typer.Option(None, help="File with a passphrase for the site's key."),
    as_json: bool = JSON_OPTION,
) -> None:
    """Make a site's CA below the root: for TLS certificates with addresses, and nothing else."""
    from camward.base.clock import SystemClock
    from camward.factory import issue_site_ca

    authority = issue_site_ca(
        root,
        folder,
        root_passphrase=read_secret(passphrase_file),
        passphrase=read_secret(site_passphrase_file),
        name=name,
        now=SystemClock().utc(),
    )
    _print_authority("factory-site", authority, as_json=as_json)


@app.command()
def issue(
    state: Path = STATE_OPTION,
    root: Path = ROOT_OPTION,
    device: Kind = typer.Option(Kind.CAMERA, "--device", help="What a new state folder is for."),
    name: str = typer.Option("", help="Model name; without one, Camward camera or Camward recorder."),
    serial: str | None = typer.Option(None, help="CW-XXXX-XXXX; a fresh one without.", show_default=False),
    replace: bool = typer.Option(False, "--replace", help="Issue anew: the fingerprint and all pins on it change."),
    passphrase_file: Path | None = PASSPHRASE_OPTION,
    as_json: bool = JSON_OPTION,
) -> None:
    """Give a device its identity: certificates for keys that are born in its state. It must not run meanwhile."""
    from camward.access import Device
    from camward.app.provision import provision

    identity = provision(
        root,
        state,
        kind=Device(device.value),
        passphrase=read_secret(passphrase_file),
        name=name,
        serial=serial,
        replace=replace,
    )
    data = {"serial": identity.serial, "fingerprint": identity.fingerprint.hex(), "words": identity.words}
    text = table([("serial", identity.serial), ("words", identity.words)])
    emit("factory-issue", {**data, "state": str(state)}, as_json=as_json, text=text)


@app.command()
def tls(
    state: Path = STATE_OPTION,
    folder: Path = SITE_OPTION,
    address: list[str] = typer.Option([], help="DNS name or IP address; without any, those of this machine."),
    site_passphrase_file: Path | None = typer.Option(None, help="File with the passphrase of the site's key."),
    as_json: bool = JSON_OPTION,
) -> None:
    """Issue a device's TLS certificate for its addresses, 90 days; a running device serves it at once."""
    from camward.app.provision import issue_tls_to

    found = issue_tls_to(state, folder, addresses=address, passphrase=read_secret(site_passphrase_file))
    data = {"addresses": sorted(found.addresses), "end": found.end.isoformat()}
    text = table([("addresses", " ".join(sorted(found.addresses))), ("ends", f"{found.end:%Y-%m-%d}")])
    emit("factory-tls", data, as_json=as_json, text=text)


@app.command()
def revoke(
    serial: str = typer.Argument(help="Serial number of the device, or name of the site."),
    root: Path = ROOT_OPTION,
    yes: bool = typer.Option(False, "--yes", help="Do not ask."),
    passphrase_file: Path | None = PASSPHRASE_OPTION,
    as_json: bool = JSON_OPTION,
) -> None:
    """Revoke what was issued for a device, and write the revocation list anew. It can't be taken back."""
    from dataclasses import asdict

    from camward.base.clock import SystemClock
    from camward.factory import revoke as revoke_all

    confirm(f"Revoke all certificates of {serial}?", yes=yes)
    gone = revoke_all(root, serial, passphrase=read_secret(passphrase_file), now=SystemClock().utc())
    text = table([(item.purpose, item.serial, "revoked") for item in gone]) or "all were revoked before"
    emit("factory-revoke", {"revoked": [asdict(item) for item in gone]}, as_json=as_json, text=text)


@app.command("list")
def list_issued(root: Path = ROOT_OPTION, as_json: bool = JSON_OPTION) -> None:
    """Print what the root issued: devices and sites."""
    from dataclasses import asdict

    from camward.factory import list_devices, root_certificate

    root_certificate(root)  # an empty folder is an error, not an empty list
    items = list_devices(root)
    rows = [(i.serial, i.purpose, _day(i.utc), f"revoked {_day(i.revoked)}" if i.revoked else "valid") for i in items]
    emit("factory-list", {"issued": [asdict(item) for item in items]}, as_json=as_json, text=table(rows))


@app.command()
def label(
    state: Path = STATE_OPTION,
    svg: Path | None = typer.Option(
        None, "--svg", help="Also draw it, 90 x 40 mm, into this file.", show_default=False
    ),
    as_json: bool = JSON_OPTION,
) -> None:
    """Print a device's label: model, serial number, fingerprint in words, claim code. Whoever reads it may claim."""
    from camward.app.provision import label_of
    from camward.base.files import write_atomic

    found = label_of(state)
    if svg is not None:
        write_atomic(svg, found.svg().encode(), mode=0o600)
        note(f"Drawn into {svg}.")
    data = {
        "model": found.model,
        "serial": found.serial,
        "words": found.words,
        "fingerprint": found.fingerprint,
        "claim_code": found.claim_code.reveal(),
    }
    emit("factory-label", data, as_json=as_json, text=found.text())


@app.command("root")
def root_pem(
    root: Path = ROOT_OPTION,
    output: Path | None = typer.Option(None, "-o", "--output", help="File to write; stdout without."),
    as_json: bool = JSON_OPTION,
) -> None:
    """Print the root certificate: what browsers and verifiers are told to trust."""
    from camward.base.files import write_atomic
    from camward.factory import root_certificate

    pem = root_certificate(root)
    if output is not None:
        write_atomic(output, pem)
        note(f"Written to {output}.")
    emit("factory-root-certificate", {"pem": pem.decode()}, as_json=as_json, text=None if output else pem.decode())


def _print_authority(kind: str, authority: Authority, *, as_json: bool) -> None:
    from camward.trust.certificates import common_name, fingerprint
    from camward.trust.words import fingerprint_words

    digest = fingerprint(authority.certificate)
    name, words = common_name(authority.certificate), fingerprint_words(digest)
    data = {"folder": str(authority.folder), "name": name, "fingerprint": digest.hex(), "words": words}
    rows = [("folder", authority.folder), ("name", name), ("words", words)]
    emit(kind, data, as_json=as_json, text=table(rows))


def _day(seconds: int | None) -> str:
    return f"{datetime.fromtimestamp(seconds or 0, tz=UTC):%Y-%m-%d}"
