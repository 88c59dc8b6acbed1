"""Fuzz target: any bytes as a session description give one or an `SdpError`; whatever is in it can be looked at."""

from __future__ import annotations

import sys
from pathlib import Path

from camward.rtsp.core.errors import SdpError
from camward.rtsp.core.sdp import control_url, parse_sdp


def TestOneInput(data: bytes) -> None:  # noqa: N802 (the name that the fuzzer calls)
    """One input."""
    try:
        description = parse_sdp(data)
    except SdpError:
        return
    for media in description.media:
        assert media.clock_rate > 0 and media.channels > 0 and 0 <= media.payload_type < 128
        _ = (media.track, media.parameter_sets, media.video_format(), media.audio_format())
        control_url("rtsp://camera:554/stream?channel=1", media.control)


TestOneInput.__test__ = False  # type: ignore[attr-defined]  # not a pytest test

if __name__ == "__main__":
    import atheris

    corpus = Path(__file__).parent / "corpus" / "sdp"
    atheris.instrument_all()
    atheris.Setup([*sys.argv, str(corpus)], TestOneInput)
    atheris.Fuzz()
