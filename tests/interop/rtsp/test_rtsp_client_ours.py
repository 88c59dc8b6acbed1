"""Our client and our server together: ticks and times come through exactly, whatever the way."""

import asyncio
import ssl
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import pytest
import trustme

from camward.base.clock import SystemClock, Utc
from camward.media.unit import AccessUnit, Flags, StreamFormat, Track
from camward.rtsp.aio.client import EndedError, RefusedByServerError, RtspClient


@dataclass
class Kept:
    """A sink that keeps all."""

    forms: list[StreamFormat] = field(default_factory=list)
    units: list[AccessUnit] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)

    def on_format(self, form: StreamFormat) -> None:
        self.forms.append(form)

    def on_unit(self, unit: AccessUnit) -> None:
        self.units.append(unit)

    def on_lost(self, reason: str) -> None:
        self.losses.append(reason)

    def of(self, track: Track) -> list[AccessUnit]:
        return [unit for unit in self.units if unit.track is track]


def captured_now(clip: Any) -> Any:
    """The same, with times that a camera would give it now."""
    shift = SystemClock().utc() - clip.units[0].utc
    return replace(clip, units=tuple(replace(unit, utc=Utc(unit.utc + shift)) for unit in clip.units))


@pytest.mark.parametrize("way", ["tcp", "udp", "tls"])
@pytest.mark.parametrize("name", ["cup", "pedestrians_h265"])
async def test_units_ticks_and_times_come_through(
    serve: Any, request: pytest.FixtureRequest, throwaway_ca: trustme.CA, way: str, name: str
) -> None:
    clip, sink = captured_now(request.getfixturevalue(name)), Kept()
    trusting = None
    if way == "tls":
        trusting = ssl.create_default_context()
        throwaway_ca.configure_trust(trusting)
    async with serve(clip.form, plain=way != "tls") as served:
        url = served.url("rtsps" if way == "tls" else "rtsp")
        client = RtspClient(url, sink, tls=trusting, clock=SystemClock(), transport="udp" if way == "udp" else "tcp")
        playing = asyncio.create_task(client.run())
        await served.until_playing()
        await served.feed(clip, speed=2)
        async with asyncio.timeout(10):
            last = {unit.data for unit in (clip.pictures[-1], *clip.frames[-1:])}
            while not last <= {unit.data for unit in sink.units[-30:]}:
                await asyncio.sleep(0.02)
        playing.cancel()
        await asyncio.wait([playing])
        await served.until_idle()
    assert sink.losses == []
    assert [unit.data for unit in sink.of(Track.VIDEO)] == [unit.data for unit in clip.pictures]
    shift = sink.of(Track.VIDEO)[0].ticks - clip.pictures[0].ticks
    assert [unit.ticks - shift for unit in sink.of(Track.VIDEO)] == [unit.ticks for unit in clip.pictures]
    assert [unit.flags & Flags.KEY for unit in sink.of(Track.VIDEO)] == [u.flags & Flags.KEY for u in clip.pictures]
    (form,) = sink.forms
    assert form.video.parameter_sets == clip.form.video.parameter_sets
    # The camera's reports are believed from the first picture on, and nothing is lost in rounding but nanoseconds.
    for got, sent in zip(sink.of(Track.VIDEO), clip.pictures, strict=True):
        assert abs(got.utc - sent.utc) < 12_000
    heard = sink.of(Track.AUDIO)
    if heard:
        assert form.audio == clip.form.audio
        # Sound starts with the first picture, which is known to be whole when the second one comes.
        late = len(clip.frames) - len(heard)
        assert 0 <= late < 12
        assert [unit.data for unit in heard] == [unit.data for unit in clip.frames[late:]]
        first, picture = heard[0], sink.of(Track.VIDEO)[0]
        ahead = clip.frames[late].ticks / clip.form.audio.clock_rate - clip.pictures[0].ticks / 90_000
        assert abs(first.ticks / form.audio.clock_rate - picture.ticks / 90_000 - ahead) < 0.001
        assert {b.ticks - a.ticks for a, b in pairwise(heard)} == {b.ticks - a.ticks for a, b in pairwise(clip.frames)}


async def test_a_wrong_secret_is_refused_and_another_format_ends_the_stream(serve: Any, car_park: Any) -> None:
    async with serve(car_park.form, plain=True) as served:
        with pytest.raises(RefusedByServerError):
            await RtspClient(served.url(secret="wrong"), Kept(), clock=SystemClock()).run()
        sink = Kept()
        playing = asyncio.create_task(RtspClient(served.url(), sink, clock=SystemClock()).run())
        await served.until_playing()
        await served.feed(car_park, speed=20)
        served.stream.set_format(StreamFormat(replace(car_park.form.video, width=32)))
        with pytest.raises(EndedError):
            async with asyncio.timeout(10):
                await playing


async def test_plain_is_refused_where_the_camera_wants_tls(serve: Any, car_park: Any) -> None:
    async with serve(car_park.form, plain=False) as served:
        with pytest.raises(RefusedByServerError):
            await RtspClient(served.url(), Kept(), clock=SystemClock()).run()
