"""Camward's own object identifiers, under an arc that needs no registrar (ITU-T X.667: 2.25 followed by a UUID)."""

from __future__ import annotations

from cryptography.x509.oid import ObjectIdentifier

ARC = "2.25.271118563663720419395825281569424918821"

DEVICE_IDENTITY = ObjectIdentifier(f"{ARC}.1")
"""Extended key usage: speaks for a device (pairing, the binding of its TLS keys)."""
VIDEO_SIGNING = ObjectIdentifier(f"{ARC}.2")
"""Extended key usage: signs video. Nothing else may, and a certificate that has it may do nothing else."""
TLS_BINDING = ObjectIdentifier(f"{ARC}.3")
"""Certificate extension: the device's identity vouches for this TLS key; see `binding.py`."""
