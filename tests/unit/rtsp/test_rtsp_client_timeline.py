"""Ticks and UTC out of RTP timestamps, sender reports and arrival."""

from dataclasses import dataclass
from itertools import pairwise

from camward.base.clock import NS, Utc
from camward.rtsp.core.reorder import ReorderBuffer, ReorderLimits
from camward.rtsp.core.timeline import AlignedClock, Moment, TrackClock

START = 1_760_000_000 * NS
RATE = 90_000


@dataclass
class World:
    """A camera whose pictures are delayed by the network, as given."""

    clock: TrackClock
    stamp: int = 0
    seconds: float = 0.0

    def picture(self, *, step: float = 0.04, delay: float = 0.0, key: bool = False) -> Moment:
        self.seconds += step
        self.stamp = self.stamp + round(step * RATE) & 0xFFFF_FFFF
        now = self.seconds + delay
        return self.clock.place(self.stamp, arrived=Utc(START + round(now * NS)), now=now, may_step=key)


def video(stamp: int = 0) -> World:
    return World(TrackClock(rate=RATE, ticks_rate=RATE), stamp)


def test_ticks_are_exact_differences_across_the_wrap() -> None:
    world = video(0xFFFF_FFFF - 5000)
    ticks = [world.picture().ticks for _ in range(10)]
    assert [later - earlier for earlier, later in pairwise(ticks)] == [3600] * 9


def test_b_pictures_go_back_a_little_in_decoding_order() -> None:
    world = video()
    shown = [world.picture(step=step) for step in (0.04, 0.12, -0.08, 0.04, 0.16, -0.08, 0.04)]
    assert not any(moment.jumped for moment in shown)
    first = shown[0]
    for moment in shown:
        assert abs((moment.utc - first.utc) - (moment.ticks - first.ticks) * NS // RATE) < 20_000_000


def test_utc_without_reports_follows_the_least_delayed_arrival() -> None:
    world = video()
    delays = [0.005 if number % 7 == 3 else 0.09 for number in range(200)]
    last = [world.picture(delay=delay) for delay in delays][-1]
    assert abs(last.utc - (START + world.seconds * NS + 5_000_000)) < 3_000_000


def test_utc_follows_plausible_reports_to_the_nanosecond() -> None:
    world = video()
    world.picture(delay=0.1)
    world.clock.report(Utc(START + round((world.seconds - 1.5) * NS)), world.stamp)
    moments = [world.picture(delay=0.1) for _ in range(1000)]
    assert abs(moments[-1].utc - (START + (world.seconds - 1.5) * NS)) < 2


def test_reports_of_a_camera_whose_clock_is_wrong_are_not_believed() -> None:
    world = video()
    world.picture()
    world.clock.report(Utc(0), world.stamp)
    assert abs(world.picture().utc - (START + world.seconds * NS)) < 1_000_000


def test_utc_never_runs_backwards_whatever_the_reports_say() -> None:
    world, last = video(), 0
    for number in range(2000):
        if number % 50 == 0:
            wrong = (-1.9, 1.9, 0.3)[number // 50 % 3]
            world.clock.report(Utc(START + round((world.seconds + wrong) * NS)), world.stamp)
        moment = world.picture(delay=0.02 * (number % 5))
        assert moment.utc > last
        assert not moment.jumped
        last = moment.utc


def test_a_large_correction_is_a_step_at_a_key_picture() -> None:
    world = video()
    world.picture()
    world.clock.report(Utc(START + round((world.seconds + 4) * NS)), world.stamp)
    plain = world.picture()
    assert not plain.jumped
    assert abs(plain.utc - (START + world.seconds * NS)) < 1_000_000
    stepped = world.picture(key=True)
    assert stepped.jumped
    assert abs(stepped.utc - (START + (world.seconds + 4) * NS)) < 1_000_000


def test_timestamps_that_jump_are_noticed_and_ticks_go_on_by_the_time_that_passed() -> None:
    world = video(1000)
    before = world.picture()
    world.stamp = 3_000_000_000
    after = world.picture(step=0.04)
    assert after.jumped
    assert 0 < after.ticks - before.ticks <= 3600
    assert not world.picture().jumped


def test_a_long_silence_is_no_jump() -> None:
    world = video()
    before = world.picture()
    after = world.picture(step=60.0)
    assert not after.jumped
    assert after.ticks - before.ticks == 60 * RATE


def test_another_source_goes_on_in_ticks_and_says_so() -> None:
    world = video()
    before = world.picture()
    world.clock.restart()
    world.stamp = 77
    after = world.picture()
    assert after.jumped
    assert 0 < after.ticks - before.ticks <= 3600


def test_odd_clock_rates_are_scaled() -> None:
    clock = TrackClock(rate=48_000, ticks_rate=24_000)
    first = clock.place(0, arrived=Utc(START), now=0, may_step=True)
    second = clock.place(96_000, arrived=Utc(START + 2 * NS), now=2, may_step=True)
    assert second.ticks - first.ticks == 48_000


def sound(world: World) -> tuple[TrackClock, AlignedClock]:
    clock = TrackClock(rate=16_000, ticks_rate=16_000)
    return clock, AlignedClock(clock, world.clock, ticks_rate=16_000)


def apart(moment: Moment | None, shown: Moment) -> float:
    """Seconds of sound behind the picture, on the timeline of ticks."""
    assert moment is not None
    return moment.ticks / 16_000 - shown.ticks / RATE


def test_sound_is_placed_by_what_the_answer_to_play_says() -> None:
    world = video(5_000_000)
    clock, aligned = sound(world)
    world.clock.play_from(5_000_000)
    clock.play_from(900_000)
    shown = world.picture(delay=0.3)
    heard = aligned.place(900_640, arrived=Utc(START + round(0.1 * NS)), now=0.1)
    assert abs(apart(heard, shown)) < 0.0001


def test_sound_is_placed_by_reports_and_waits_for_them() -> None:
    world = video()
    clock, aligned = sound(world)
    shown = world.picture()
    assert aligned.place(100, arrived=Utc(START + 40_000_000), now=0.04) is None
    world.clock.report(Utc(START), 0)
    clock.report(Utc(START), 50)
    heard = aligned.place(50 + 640, arrived=Utc(START + 55_000_000), now=0.055)
    assert abs(apart(heard, shown)) < 0.0001


def test_sound_without_any_word_is_placed_by_arrival_after_a_while() -> None:
    world = video()
    _, aligned = sound(world)
    shown = world.picture()
    for number in range(8):
        heard = aligned.place(number * 16_000, arrived=Utc(START + number * NS), now=float(number))
        assert (heard is None) == (number < 6)
    assert abs(apart(heard, shown) - (7 - 0.04)) < 0.05


def test_a_wrong_answer_to_play_is_not_believed_and_a_report_puts_right_what_was_believed() -> None:
    world = video()
    clock, aligned = sound(world)
    world.clock.play_from(0)
    clock.play_from(16_000 * 5)  # says that sound and picture are 5 s apart
    shown = world.picture()
    assert aligned.place(640, arrived=Utc(START + 40_000_000), now=0.04) is None
    clock.play_from(16_000 // 2)  # half a second is believed
    assert aligned.place(641, arrived=Utc(START + 41_000_000), now=0.041) is not None
    world.clock.report(Utc(START), 0)
    clock.report(Utc(START), 0)
    heard = aligned.place(660, arrived=Utc(START + 42_000_000), now=0.042)
    assert heard is not None
    assert heard.jumped
    assert abs(apart(heard, shown) - (660 / 16_000 - 0.04)) < 0.0001


# Reordering


def order(sequences: list[int], *, limits: ReorderLimits = ReorderLimits(packets=4), gap: float = 0.001) -> list[int]:
    buffer, out = ReorderBuffer(limits), []
    for index, sequence in enumerate(sequences):
        data = memoryview(sequence.to_bytes(2, "big"))
        out += buffer.push(sequence, data, index * gap)
    return [int.from_bytes(data, "big") for data in out]


def test_neighbours_that_changed_places_are_put_right() -> None:
    assert order([65534, 0, 65535, 1, 3, 2, 4]) == [65534, 65535, 0, 1, 2, 3, 4]


def test_a_gap_is_waited_for_only_so_long() -> None:
    assert order([1, 2, 4, 5, 6, 7, 8, 9]) == [1, 2, 4, 5, 6, 7, 8, 9]
    assert order([1, 2, 4, 5]) == [1, 2]
    assert order([1, 2, 4, 5], gap=0.2) == [1, 2, 4, 5]


def test_a_packet_too_late_or_twice_is_dropped() -> None:
    assert order([10, 11, 10, 11, 12]) == [10, 11, 12]
    assert order([1, 3, 4, 5, 6, 7, 2, 8]) == [1, 3, 4, 5, 6, 7, 8]


def test_a_new_start_is_followed() -> None:
    assert order([10, 11, 40_000, 40_001]) == [10, 11, 40_000, 40_001]


def test_what_waited_long_enough_is_released_without_a_further_packet() -> None:
    buffer = ReorderBuffer()
    buffer.push(1, memoryview(b"1"), 0.0)
    assert buffer.push(3, memoryview(b"3"), 0.0) == []
    assert buffer.expire(0.1) == []
    assert buffer.expire(0.2) == [b"3"]
