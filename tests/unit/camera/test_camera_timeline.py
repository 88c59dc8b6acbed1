"""Ticks go on; UTC follows the wall clock, ticks don't."""

from fractions import Fraction
from itertools import pairwise

from camward.base.clock import NS, ManualClock
from camward.camera.worker.device_source import scale_control
from camward.camera.worker.file_source import in_time_order
from camward.camera.worker.inband import is_leading, with_parameter_sets
from camward.camera.worker.timeline import Timeline
from camward.media.nal import iter_length_prefixed, join_length_prefixed


def test_distances_are_exact_and_tracks_agree():
    timeline = Timeline(ManualClock(), epoch=900.0, floor=0.0)
    run = timeline.start()
    sounds = [run.stamp(Fraction(number * 1024, 48_000), 48_000)[0] for number in range(200)]
    assert {b - a for a, b in pairwise(sounds)} == {1024}
    pictures = [run.stamp(Fraction(number * 1001, 30_000), 90_000)[0] for number in range(200)]
    assert {b - a for a, b in pairwise(pictures)} == {3003}
    assert pictures[0] == 100 * 90_000 and sounds[0] == 100 * 48_000


def test_a_run_starts_now_but_never_before_what_was_used():
    clock = ManualClock()
    timeline = Timeline(clock, epoch=1000.0, floor=30.0)
    assert timeline.start().begin == Fraction(30) + Fraction(1, 50)
    clock.advance(60)
    run = timeline.start()
    assert run.begin == 60
    run.stamp(Fraction(5), 90_000)
    assert timeline.start().begin > 65


def test_the_wall_clock_may_jump_and_ticks_do_not():
    clock = ManualClock()
    timeline = Timeline(clock, epoch=1000.0, floor=0.0)
    run = timeline.start()
    ticks, utc = run.stamp(Fraction(1), 90_000)
    clock.set_utc(clock.utc() + 3600 * NS)
    later, jumped = run.stamp(Fraction(2), 90_000)
    assert later - ticks == 90_000
    assert jumped - utc == 3601 * NS
    clock.set_utc(clock.utc() + 1000)  # jitter is not followed
    assert run.stamp(Fraction(3), 90_000)[1] - jumped == NS


class Packet:
    time_base = Fraction(1, 1000)

    def __init__(self, dts, pts=None):
        self.dts, self.pts = dts, pts


def test_tracks_that_a_file_keeps_apart_come_in_step():
    packets = [Packet(at) for at in (0, 40, 80, 1000, 5, 45, 85, 1005, 1040, 3000, 1045)]
    assert [packet.dts for packet in in_time_order(packets)] == sorted(packet.dts for packet in packets)
    assert len(list(in_time_order([Packet(None), Packet(0), Packet(None, 3)]))) == 3


def test_parameter_sets_are_put_in_once_and_behind_the_delimiter():
    sets, picture = (b"\x67sps", b"\x68pps"), b"\x65slice"
    units = lambda data: [bytes(nal) for nal in iter_length_prefixed(data)]  # noqa: E731
    bare = join_length_prefixed([picture])
    assert units(with_parameter_sets("h264", sets, bare)) == [*sets, picture]
    full = join_length_prefixed([*sets, picture])
    assert with_parameter_sets("h264", sets, full) is full
    delimited = join_length_prefixed([b"\x09\xf0", picture])
    assert units(with_parameter_sets("h264", sets, delimited)) == [b"\x09\xf0", *sets, picture]
    h265 = join_length_prefixed([b"\x46\x01\x50", b"\x26\x01slice"])
    sets = (b"\x40\x01v", b"\x42\x01s", b"\x44\x01p")
    assert units(with_parameter_sets("h265", sets, h265)) == [b"\x46\x01\x50", *sets, b"\x26\x01slice"]


def test_leading_pictures_are_known():
    assert is_leading("h265", join_length_prefixed([b"\x10\x01x"]))
    assert is_leading("h265", join_length_prefixed([b"\x4e\x01sei", b"\x12\x01x"]))
    assert not is_leading("h265", join_length_prefixed([b"\x02\x01x"]))
    assert not is_leading("h264", join_length_prefixed([b"\x10\x01x"]))


def test_percent_to_a_devices_own_range():
    assert [scale_control(at, low=-64, default=0, high=64) for at in (0, 25, 50, 75, 100)] == [-64, -32, 0, 32, 64]
    assert scale_control(50, low=0, default=200, high=255) == 200
