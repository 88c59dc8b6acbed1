"""Device keys and certificates: identity, pins, chains, TLS contexts."""

from camward.trust.chain import ChainResult, ChainVerdict, Purpose, verify_chain
from camward.trust.identity import DeviceIdentity, TlsState
from camward.trust.keys import FileKey, SigningKey
from camward.trust.pins import Pin, PinResult, PinVerdict
from camward.trust.tls import ca_client_context, client_context, reload_certificate, server_context
from camward.trust.words import fingerprint_words

__all__ = [
    "ChainResult",
    "ChainVerdict",
    "DeviceIdentity",
    "FileKey",
    "Pin",
    "PinResult",
    "PinVerdict",
    "Purpose",
    "SigningKey",
    "TlsState",
    "ca_client_context",
    "client_context",
    "fingerprint_words",
    "reload_certificate",
    "server_context",
    "verify_chain",
]
