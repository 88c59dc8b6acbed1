"""The label on a device: model, serial number, fingerprint in words, claim code; as text and as SVG to print."""

from __future__ import annotations

from dataclasses import dataclass
from xml.sax.saxutils import escape

from camward.base.secret import Secret
from camward.trust.certificates import common_name
from camward.trust.identity import DeviceIdentity
from camward.trust.words import fingerprint_hex

WIDTH, HEIGHT = 90, 40
"""Millimetres."""


@dataclass(frozen=True, slots=True)
class Label:
    """What is printed. It holds the claim code: whoever reads the label may claim the device."""

    model: str
    serial: str
    words: str
    fingerprint: str
    claim_code: Secret[str]

    def text(self) -> str:
        """For a console."""
        return "\n".join(f"{name:<12} {value}" for name, value in self._rows()) + "\n"

    def svg(self) -> str:
        """For a label printer: 90 x 40 mm, black on white, a font that every system has."""
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}mm" height="{HEIGHT}mm" '
            f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="monospace" font-size="2.6">'
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff" stroke="#000" stroke-width="0.2"/>'
        )
        rows = list(self._rows())
        half = len(self.fingerprint) // 2 + 1
        rows[3:4] = [("Fingerprint", self.fingerprint[:half]), ("", self.fingerprint[half:])]
        lines = [
            f'<text x="3" y="{6 + 5.5 * number:g}">{escape(name)}</text>'
            f'<text x="23" y="{6 + 5.5 * number:g}" font-size="{1.9 if number in (3, 4) else 2.6}">'
            f"{escape(value)}</text>"
            for number, (name, value) in enumerate(rows)
        ]
        return head + "".join(lines) + "</svg>\n"

    def _rows(self) -> tuple[tuple[str, str], ...]:
        return (
            ("Model", self.model),
            ("Serial", self.serial),
            ("Words", self.words),
            ("Fingerprint", self.fingerprint),
            ("Claim code", self.claim_code.reveal()),
        )


def label(device: DeviceIdentity, *, claim_code: Secret[str]) -> Label:
    """The label of a device. The claim code is `access`'s to make; the caller hands it over."""
    return Label(
        common_name(device.certificate), device.serial, device.words, fingerprint_hex(device.fingerprint), claim_code
    )
