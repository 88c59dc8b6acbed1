"""The worker's main loop: orders in, signs of life out. Started by `WorkerProcess`, never by hand."""

from __future__ import annotations

import os
import signal
import socket
import sys

from camward.base.clock import Clock, SystemClock
from camward.camera.orders import Config, KeyOrder, Order, SmallOrder, SnapshotOrder
from camward.camera.wire import AliveReport, WireError
from camward.camera.worker import landlock, sandbox
from camward.camera.worker.link import Link, LinkClosedError
from camward.camera.worker.pipeline import Pipeline
from camward.camera.worker.sources import SourceThread
from camward.camera.worker.timeline import Timeline

_TICK = 0.25
_ALIVE = 1.0
_STOP_SECONDS = 2.0


class Worker:
    """Acts on orders until the front is gone."""

    def __init__(self, link: Link, clock: Clock) -> None:
        self._link, self._clock = link, clock
        self._pipeline: Pipeline | None = None
        self._timeline: Timeline | None = None
        self._source: SourceThread | None = None
        self._spoke = -_ALIVE
        self._confined = False

    def run(self) -> None:
        """Loop.

        Raises:
            LinkClosedError: the front is gone.
            WireError: it sent nonsense.
        """
        while True:
            for order in self._link.orders(_TICK):
                self._act(order)
            if self._pipeline is not None:
                self._pipeline.check()
            now = self._clock.monotonic()
            if now - self._spoke >= _ALIVE:
                self._spoke = now
                controls = self._pipeline.controls if self._pipeline is not None else ()
                self._link.send(AliveReport(confined=self._confined, controls=controls))

    def _act(self, order: Order) -> None:
        if isinstance(order, Config):
            self._configure(order)
        elif self._pipeline is not None:
            match order:
                case SmallOrder(on):
                    self._pipeline.want_small(on=on)
                case SnapshotOrder(request, stream):
                    self._pipeline.snapshot(request, stream)
                case KeyOrder(stream):
                    self._pipeline.ask_key(stream)

    def _configure(self, config: Config) -> None:
        if self._pipeline is None or self._timeline is None:
            # Here, while this is the only thread: those started later inherit it.
            self._confined = landlock.confine_to(config.source.url)
            self._timeline = Timeline(self._clock, epoch=config.epoch, floor=config.floor)
            self._pipeline = Pipeline(config, link=self._link, clock=self._clock)
        if self._source is None or self._source.order != config.source:
            if self._source is not None and not self._source.stop(_STOP_SECONDS):
                # Native code hangs; a fresh process will do better.
                raise LinkClosedError
            self._pipeline.configure(config)
            self._source = SourceThread(
                config.source,
                config.drawing,
                timeline=self._timeline,
                stage=self._pipeline,
                link=self._link,
                clock=self._clock,
            )
        else:
            self._source.adjust(config.drawing)
            self._pipeline.configure(config)


def main() -> None:
    """Confine ourselves, then work."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl+C at the terminal is the front's to handle
    sandbox.die_with_parent(int(sys.argv[2]))
    sandbox.confine()
    link = Link(socket.socket(fileno=int(sys.argv[1])))
    code = 0
    try:
        Worker(link, SystemClock()).run()
    except LinkClosedError:
        pass
    except WireError as error:
        print(error.diagnostics(), file=sys.stderr)  # noqa: T201 (there is nowhere else to say it)
        code = 1
    # Threads may sit in native code; nothing here needs tidying up.
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
