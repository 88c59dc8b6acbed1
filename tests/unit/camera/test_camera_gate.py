"""Readers get a stream that starts at key pictures and whose time goes forward, whatever the worker sends."""

from dataclasses import replace

import pytest

from camward.base.clock import ManualClock
from camward.camera.gate import Gate
from camward.camera.wire import STREAM1, FormatReport, WireError
from camward.media.stream import MediaStream
from camward.media.unit import Flags, StreamFormat, Track


class Recorder:
    def __init__(self):
        self.units = []

    def offer(self, unit):
        self.units.append(unit)


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def signals():
    return []


@pytest.fixture
def gate(clock, signals):
    return Gate(MediaStream("stream1"), clock=clock, on_signal=lambda on, why: signals.append((on, why)))


@pytest.fixture
def reader(gate):
    reader = Recorder()
    gate.stream.add(reader)
    return reader


def test_it_starts_at_a_key_picture(gate, reader, form, picture, sound):
    gate.take_format(FormatReport(STREAM1, form, ""))
    for unit in (picture(1), sound(1), picture(3600, key=True), picture(7200), sound(2000)):
        gate.take_unit(unit)
    assert [(unit.track, unit.ticks) for unit in reader.units] == [(0, 3600), (0, 7200), (1, 2000)]
    assert all(not unit.flags & Flags.DISCONTINUITY for unit in reader.units)


def test_a_restart_is_marked_and_starts_at_a_key_picture(gate, reader, form, picture, sound):
    gate.take_format(FormatReport(STREAM1, form, ""))
    gate.take_unit(picture(3600, key=True))
    gate.restarted()
    gate.take_format(FormatReport(STREAM1, form, ""))
    for unit in (picture(7200), picture(9000, key=True), picture(12_600), sound(9000), sound(10_024)):
        gate.take_unit(unit)
    marked = [(unit.track, unit.ticks) for unit in reader.units if unit.flags & Flags.DISCONTINUITY]
    assert marked == [(Track.VIDEO, 9000), (Track.AUDIO, 9000)]
    assert [unit.ticks for unit in reader.units] == [3600, 9000, 12_600, 9000, 10_024]


async def test_the_same_form_again_disturbs_nobody(gate, reader, form, picture):
    gate.take_format(FormatReport(STREAM1, form, ""))
    gate.take_unit(picture(3600, key=True))
    before = gate.stream._group[:]
    gate.take_format(FormatReport(STREAM1, form, ""))
    assert gate.stream._group == before


def test_signal_and_no_signal_are_told_once(gate, signals, form, clock, picture):
    gate.take_format(FormatReport(STREAM1, form, ""))
    since = clock.utc()
    gate.lost("gone")
    clock.advance(5)
    gate.lost("gone")
    gate.lost("still gone")
    assert (gate.stream.no_signal.since, gate.stream.no_signal.reason) == (since, "still gone")
    gate.take_format(FormatReport(STREAM1, form, ""))
    assert signals == [(True, ""), (False, "gone"), (False, "still gone"), (True, "")]
    assert gate.status().signal


@pytest.mark.parametrize(
    "units",
    [
        [(3600, True), (3600, True)],
        [(3600, True), (7200, False), (7200, True)],
        [(3_600_000, True), (1, False)],
        [(3600, True), (1 << 40, False)],
    ],
)
def test_time_that_can_not_be_is_the_workers_end(gate, form, picture, units):
    gate.take_format(FormatReport(STREAM1, form, ""))
    with pytest.raises(WireError):
        for ticks, key in units:
            gate.take_unit(picture(ticks, key=key))


def test_pictures_in_decoding_order_pass(gate, reader, form, picture):
    gate.take_format(FormatReport(STREAM1, form, ""))
    for ticks, key in ((3600, True), (14_400, False), (7200, False), (10_800, False), (18_000, True), (16_000, False)):
        gate.take_unit(picture(ticks, key=key))
    assert len(reader.units) == 6


def test_a_key_flag_must_be_true(gate, form, picture):
    gate.take_format(FormatReport(STREAM1, form, ""))
    for lie in (replace(picture(1, key=True), flags=Flags.NONE), replace(picture(1), flags=Flags.KEY)):
        with pytest.raises(WireError):
            gate.take_unit(lie)


def test_units_before_a_format_are_the_workers_end(gate, picture):
    with pytest.raises(WireError):
        gate.take_unit(picture(1, key=True))


def test_sound_goes_forward_only_and_only_where_there_is_some(gate, reader, form, picture, sound):
    gate.take_format(FormatReport(STREAM1, StreamFormat(form.video), ""))
    gate.take_unit(picture(3600, key=True))
    gate.take_unit(sound(1024))
    assert len(reader.units) == 1
    gate.take_format(FormatReport(STREAM1, form, ""))
    gate.take_unit(picture(7200, key=True))
    gate.take_unit(sound(1024))
    with pytest.raises(WireError):
        gate.take_unit(sound(1024))


def test_rates_are_measured(gate, form, picture, clock):
    gate.take_format(FormatReport(STREAM1, form, "an overlay is drawn"))
    for index in range(100):
        gate.take_unit(picture(1 + index * 3600, key=index == 0))
        clock.advance(0.04)
    status = gate.status()
    assert status.frame_rate == pytest.approx(25, rel=0.1)
    assert status.kbits == pytest.approx(25 * 8 * 8 / 1000, rel=0.2)
    assert not status.passthrough and status.why == "an overlay is drawn"
    clock.advance(10)
    assert gate.status().frame_rate == 0


def test_an_idle_stream_keeps_no_old_pictures(gate, form, picture):
    gate.take_format(FormatReport(STREAM1, form, ""))
    gate.take_unit(picture(3600, key=True))
    gate.idle()
    late = Recorder()
    gate.stream.add(late)
    assert late.units == []
    assert gate.stream.no_signal is None


def test_used_seconds_are_of_the_track_that_is_ahead(gate, form, picture, sound):
    gate.take_format(FormatReport(STREAM1, form, ""))
    assert gate.used_seconds == 0
    gate.take_unit(picture(90_000, key=True))
    gate.take_unit(sound(96_000))
    assert gate.used_seconds == 2.0
