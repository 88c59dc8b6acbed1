"""What a camera counts, for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from camward.web.camera.parts import CameraParts


class CameraCollector(Collector):
    """Reads the camera's state when it is asked for."""

    def __init__(self, parts: CameraParts) -> None:
        self._parts = parts

    def collect(self) -> Iterator[Metric]:
        """See `Collector`."""
        media = self._parts.media.status
        families = {
            "signal": GaugeMetricFamily("camward_stream_signal", "1 while pictures come", labels=["stream"]),
            "readers": GaugeMetricFamily("camward_stream_readers", "Sessions that read the stream", labels=["stream"]),
            "frame_rate": GaugeMetricFamily("camward_stream_frame_rate", "Pictures per second", labels=["stream"]),
            "kbits": GaugeMetricFamily("camward_stream_kbits", "kbit/s of video and sound", labels=["stream"]),
        }
        for stream in media.streams.values():
            for name, family in families.items():
                family.add_metric([stream.name], float(getattr(stream, name)))
        yield from families.values()
        yield GaugeMetricFamily(
            "camward_media_worker_restarts", "Restarts of the media worker", value=max(0, media.worker_restarts)
        )
        yield GaugeMetricFamily(
            "camward_sessions", "People logged in at a browser", value=len(self._parts.access.sessions.list())
        )

    def describe(self) -> Iterator[Metric]:
        """Nothing is asked of the camera while the registry is put together."""
        return iter(())
