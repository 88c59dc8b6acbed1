"""The factory: a private root, the devices' identities, the site's CA for TLS, labels, revocation."""

from pathlib import Path

from camward.base.clock import Utc
from camward.base.secret import Secret
from camward.factory.authority import ROOT_FILE, open_authority
from camward.factory.issue import issue_device
from camward.factory.label import Label, label
from camward.factory.register import Issued, list_issued
from camward.factory.register import revoke as _revoke
from camward.factory.root import init_root, root_certificate
from camward.factory.site import issue_site_ca, issue_tls

__all__ = [
    "Issued",
    "Label",
    "init_root",
    "issue_device",
    "issue_site_ca",
    "issue_tls",
    "label",
    "list_devices",
    "revoke",
    "root_certificate",
]


def list_devices(root_folder: Path) -> list[Issued]:
    """Everything a root issued, oldest first; needs no passphrase."""
    return list_issued(root_folder)


def revoke(root_folder: Path, serial: str, *, passphrase: Secret[str] | None, now: Utc) -> list[Issued]:
    """Revoke all certificates of a device or a site, and write the revocation list (`revoked.crl.pem`) anew.

    Raises:
        ConfigurationError: nothing was issued for it, no root, or a wrong passphrase.
    """
    return _revoke(open_authority(root_folder, ROOT_FILE, passphrase=passphrase), serial, now=now)
