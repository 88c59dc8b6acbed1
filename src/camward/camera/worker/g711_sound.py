"""G.711 from a camera, made into AAC."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import av

from camward.camera.worker.sound import SoundCoder
from camward.media import g711
from camward.media.unit import AudioFormat


class G711Coder:
    """Bytes of A-law or mu-law in, AAC frames out."""

    def __init__(self, sample_rate: int) -> None:
        self._rate = sample_rate
        self._coder = SoundCoder(sample_rate, 1)

    @property
    def form(self) -> AudioFormat:
        """What comes out."""
        return self._coder.form

    def code(self, encoding: str, data: bytes, at: Fraction) -> Iterator[tuple[bytes, Fraction]]:
        """Code one packet's samples, the first of which is heard at `at` seconds; frames with their times."""
        samples = g711.expand_a_law(data) if encoding == "PCMA" else g711.expand_mu_law(data)
        frame = av.AudioFrame("s16", "mono", len(data))
        plane = frame.planes[0]
        plane.update(samples.ljust(plane.buffer_size, b"\x00"))
        frame.sample_rate = self._rate
        yield from self._coder.code(frame, at)
