"""Fuzz target: any bytes on the media worker's socket give reports or a `WireError`, and readers' rules hold."""

from __future__ import annotations

import sys
from pathlib import Path

from camward.base.clock import ManualClock
from camward.camera.gate import Gate
from camward.camera.wire import STREAM1, STREAM2, FormatReport, FrameSplitter, UnitReport, WireError, decode_report
from camward.media.stream import MediaStream
from camward.media.unit import AccessUnit, Track


class _Reader:
    """Holds a gate to what it promises."""

    def __init__(self) -> None:
        self.key = self.video = self.audio = -1

    def offer(self, unit: AccessUnit) -> None:
        """Starts at a key picture; times of key pictures and of sound only grow."""
        if unit.track is Track.AUDIO:
            assert self.key >= 0 and unit.ticks > self.audio
            self.audio = unit.ticks
        elif unit.key:
            assert unit.ticks > self.video
            self.key = self.video = unit.ticks
        else:
            assert self.key >= 0
            self.video = max(self.video, unit.ticks)


def TestOneInput(data: bytes) -> None:  # noqa: N802 (the name that the fuzzer calls)
    """One input: all that a worker sends in its life."""
    clock = ManualClock()
    gates = {}
    for number in (STREAM1, STREAM2):
        gates[number] = Gate(MediaStream(f"stream{number}"), clock=clock, on_signal=lambda _signal, _reason: None)
        gates[number].stream.add(_Reader())
    splitter = FrameSplitter()
    try:
        for begin in range(0, len(data), 1000):
            for frame in splitter.receive(data[begin : begin + 1000]):
                report = decode_report(frame)
                if isinstance(report, FormatReport):
                    gates[report.stream].take_format(report)
                elif isinstance(report, UnitReport):
                    for number, gate in gates.items():
                        if report.streams & number:
                            gate.take_unit(report.unit)
    except WireError:
        pass


TestOneInput.__test__ = False  # type: ignore[attr-defined]  # not a pytest test

if __name__ == "__main__":
    import atheris

    corpus = Path(__file__).parent / "corpus" / "worker_frames"
    atheris.instrument_all()
    atheris.Setup([*sys.argv, str(corpus)], TestOneInput)
    atheris.Fuzz()
