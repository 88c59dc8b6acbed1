"""What a recorder counts, for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from camward.recorder import CameraState
from camward.web.recorder.parts import RecorderParts


class RecorderCollector(Collector):
    """Reads the recorder's state when it is asked for."""

    def __init__(self, parts: RecorderParts) -> None:
        self._parts = parts

    def collect(self) -> Iterator[Metric]:
        """See `Collector`."""
        recording = GaugeMetricFamily("camward_camera_recording", "1 while it is recorded", labels=["camera"])
        delay = GaugeMetricFamily("camward_camera_delay_seconds", "From capture to arrival", labels=["camera"])
        kbits = GaugeMetricFamily("camward_stream_kbits", "kbit/s received", labels=["camera", "stream"])
        for status in self._parts.recorder.statuses():
            recording.add_metric([status.camera_id], float(status.state is CameraState.RECORDING))
            for stream in status.streams:
                kbits.add_metric([status.camera_id, stream.name], stream.kbits)
                if stream.name == "stream1" and stream.delay is not None:
                    delay.add_metric([status.camera_id], stream.delay)
        yield from (recording, delay, kbits)
        alarms = len(self._parts.log.open_alarms())
        yield GaugeMetricFamily("camward_open_alarms", "Alarms that need somebody", value=alarms)
        people = len(self._parts.access.sessions.list())
        yield GaugeMetricFamily("camward_sessions", "People logged in at a browser", value=people)

    def describe(self) -> Iterator[Metric]:
        """Nothing is asked of the recorder while the registry is put together."""
        return iter(())
