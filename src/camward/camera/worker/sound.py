"""Sound that browsers can't play (G.711, MP2, PCM …) made into AAC."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import av
from av.audio.codeccontext import AudioCodecContext
from av.codec.context import Flags as CodecFlags

from camward.media import aac
from camward.media.unit import AudioFormat

_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
_BITS_PER_CHANNEL = {8000: 24_000, 16000: 32_000}
_SLACK = Fraction(1, 20)


class SoundCoder:
    """Decoded sound in, AAC frames out, each with its time in seconds.

    Args:
        sample_rate: of the source.
        channels: of the source; more than two are mixed down.
    """

    def __init__(self, sample_rate: int, channels: int) -> None:
        self._rate = next((rate for rate in _RATES if rate >= sample_rate), 48_000)
        layout = "mono" if channels == 1 else "stereo"
        context = av.CodecContext.create("aac", "w")
        assert isinstance(context, AudioCodecContext)
        context.sample_rate, context.layout, context.format = self._rate, layout, "fltp"
        context.bit_rate = _BITS_PER_CHANNEL.get(self._rate, 64_000) * (1 if channels == 1 else 2)
        context.time_base = Fraction(1, self._rate)
        context.flags |= CodecFlags.global_header
        context.open()
        self._encoder = context
        self._resampler = av.AudioResampler("fltp", layout, self._rate, frame_size=aac.FRAME_SAMPLES)
        self._zero: Fraction | None = None
        self._taken = self._made = 0
        self.form: AudioFormat = aac.audio_format(context.extradata or b"")

    def code(self, frame: av.AudioFrame, at: Fraction) -> Iterator[tuple[bytes, Fraction]]:
        """Code decoded sound that begins `at` seconds.

        Raises:
            av.error.FFmpegError: it can't be coded.
        """
        expected = None if self._zero is None else self._zero + Fraction(self._taken, self._rate)
        if expected is None or self._zero is None:
            self._zero = at
        elif abs(at - expected) > _SLACK:
            self._zero += max(at - expected, Fraction(0))  # a hole; what overlaps is let be
        self._taken += round(Fraction(frame.samples * self._rate, frame.sample_rate))
        frame.pts = None
        for piece in self._resampler.resample(frame):
            piece.pts, piece.time_base = self._made, Fraction(1, self._rate)
            self._made += piece.samples
            for packet in self._encoder.encode(piece):
                yield bytes(packet), self._zero + Fraction(packet.pts or 0, self._rate)
