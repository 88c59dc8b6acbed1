"""Keeping a source going: the right one for the address, tried again for ever, on a thread of its own."""

from __future__ import annotations

import threading
from pathlib import Path

from camward.base.clock import Clock
from camward.base.errors import CamwardError
from camward.camera.orders import Drawing, SourceOrder
from camward.camera.worker.link import Link, LinkClosedError
from camward.camera.worker.stage import Source, Stage
from camward.camera.worker.timeline import Timeline

_FIRST_WAIT, _LONGEST_WAIT = 0.25, 2.0
_STEADY = 10.0


class SourceThread:
    """Runs one source until stopped.

    Args:
        order: which.
        drawing: its brightness and the like, for a device that has such controls.
        timeline: where times come from.
        stage: where pictures go.
        link: for the log.
        clock: the machine's.
    """

    def __init__(
        self, order: SourceOrder, drawing: Drawing, *, timeline: Timeline, stage: Stage, link: Link, clock: Clock
    ) -> None:
        self.order = order
        self._drawing = drawing
        self._timeline, self._stage, self._link, self._clock = timeline, stage, link, clock
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="source", daemon=True)
        self._thread.start()

    def stop(self, seconds: float) -> bool:
        """End it; whether it did in time (a device driver may hang)."""
        self._stop.set()
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def adjust(self, drawing: Drawing) -> None:
        """Set a device's picture controls anew."""
        changed = drawing.controls != self._drawing.controls
        self._drawing = drawing
        if changed and self.order.url.startswith("v4l2:"):
            from camward.camera.worker.device_source import set_controls

            set_controls(self.order.url.partition(":")[2], drawing.controls)

    def _run(self) -> None:
        wait = _FIRST_WAIT
        try:
            while not self._stop.is_set():
                began = self._clock.monotonic()
                reason = self._once()
                if self._stop.is_set():
                    return
                self._stage.on_lost(reason)
                wait = _FIRST_WAIT if self._clock.monotonic() - began > _STEADY else min(wait * 2, _LONGEST_WAIT)
                self._stop.wait(wait)
        except LinkClosedError:
            return

    def _once(self) -> str:
        try:
            self._source().run(self._stage, self._stop)
        except LinkClosedError:
            raise
        except CamwardError as error:
            return error.diagnostics().rstrip(".")
        except Exception as error:
            # What a stranger's media does to FFmpeg has no end of kinds; none of them may end the camera.
            self._link.log(f"the source failed: {type(error).__name__}: {error}"[:500])
            return f"The source failed: {error}"[:300]
        return "The source ended"

    def _source(self) -> Source:
        scheme, _, rest = self.order.url.partition(":")
        timeline, clock = self._timeline, self._clock
        match scheme:
            case "file":
                from camward.camera.worker.file_source import FileSource

                return FileSource(Path(rest), timeline=timeline, clock=clock)
            case "v4l2":
                from camward.camera.worker.device_source import DeviceSource

                return DeviceSource(
                    rest, self.order.capture, picture=self._drawing.controls, timeline=timeline, clock=clock
                )
            case "rtsp" | "rtsps":
                from camward.camera.worker.upstream_source import UpstreamSource

                return UpstreamSource(self.order, timeline=timeline, clock=clock)
            case _:
                from camward.camera.worker.scene import SceneSource

                return SceneSource(self.order.capture, timeline=timeline, clock=clock)
