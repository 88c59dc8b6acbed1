"""Camward's own object identifiers, under an arc that needs no registrar.

It is the one that Microsoft opened for everybody: a random UUID in seven parts below it. ITU-T X.667 has another,
2.25 followed by the UUID as one number; but GnuTLS (FFmpeg and GStreamer on Debian) refuses a certificate with a
number above 64 bits in the name of an extension.
"""

from __future__ import annotations

from cryptography.x509.oid import ObjectIdentifier

ARC = "1.2.840.113556.1.8000.2554.52215.35128.56605.18847.33334.6032912.7063845"
"""UUID cbf78938-dd1d-499f-8236-5c0e106bc925."""

DEVICE_IDENTITY = ObjectIdentifier(f"{ARC}.1")
"""Extended key usage: speaks for a device (pairing, the binding of its TLS keys)."""
VIDEO_SIGNING = ObjectIdentifier(f"{ARC}.2")
"""Extended key usage: signs video. Nothing else may, and a certificate that has it may do nothing else."""
TLS_BINDING = ObjectIdentifier(f"{ARC}.3")
"""Certificate extension: the device's identity vouches for this TLS key; see `binding.py`."""
