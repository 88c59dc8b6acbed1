"""From RTP timestamps to ticks that never wrap, and to UTC that never runs backwards.

Ticks are the sender's timestamps, unwrapped: their differences are exact. UTC comes from the sender reports as long
as they agree with the time of arrival (a camera's clock may be hours off), else from the time of arrival with its
jitter filtered out: the packet that was least delayed counts. When the better source changes, or the two drift apart,
UTC is steered there by a few per cent; a large difference is a step, made at a key picture and flagged.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

from camward.base.clock import NS, Utc


@dataclass(frozen=True, slots=True)
class TimelineLimits:
    """What is believed of a sender's time.

    Args:
        plausible: seconds that sender reports may differ from the time of arrival.
        jump: seconds by which timestamps may differ from the time that passed before it counts as a jump.
        steer: the part of the time that passed by which UTC is corrected.
        step: seconds of difference that are not steered but stepped.
        window: seconds over which the least delayed packet is looked for.
        align: seconds that a second track waits for a report to know its place beside the video.
        realign: seconds of error found by a report that are worth a jump of a second track.
    """

    plausible: float = 5.0
    jump: float = 10.0
    steer: float = 0.05
    step: float = 2.0
    window: float = 10.0
    align: float = 6.0
    realign: float = 0.08


TIMELINE_LIMITS = TimelineLimits()


class Moment(NamedTuple):
    """When a unit is: `jumped` if ticks or UTC don't go on from the unit before."""

    ticks: int
    utc: Utc
    jumped: bool


class LeastDelay:
    """The smallest of the last values, over one to two windows: the arrival that was least delayed."""

    def __init__(self, window: float) -> None:
        self._window = window
        self._buckets: deque[int] = deque(maxlen=2)
        self._until = float("-inf")

    def add(self, value: int, now: float) -> int:
        """Take a value; the smallest now."""
        if now >= self._until:
            self._until = now + self._window
            self._buckets.append(value)
        elif value < self._buckets[-1]:
            self._buckets[-1] = value
        return min(self._buckets)

    def reset(self) -> None:
        """Forget all."""
        self._buckets.clear()
        self._until = float("-inf")


class TrackClock:
    """One track's time.

    Args:
        rate: of the RTP timestamps, per second.
        ticks_rate: of the ticks; the same but where a description is odd.
    """

    def __init__(self, *, rate: int, ticks_rate: int, limits: TimelineLimits = TIMELINE_LIMITS) -> None:
        self._rate, self._ticks_rate, self._limits = rate, ticks_rate, limits
        self._last_stamp: int | None = None
        self._last_now = 0.0
        self.extended = 0
        self._delay = LeastDelay(limits.window)
        self.floor: int | None = None
        self.reported: int | None = None
        self._told: tuple[Utc, int] | None = None
        self.played: int | None = None
        self._played_stamp: int | None = None
        self._offset: int | None = None

    def play_from(self, rtp_time: int) -> None:
        """What `RTP-Info` says the first timestamp after PLAY is."""
        self._played_stamp = rtp_time
        self.played = None

    def restart(self) -> None:
        """Another source with other timestamps: ticks go on by the time that passes."""
        if self._last_stamp is not None:
            self._last_stamp, self._told = -1, None

    def report(self, utc: Utc, rtp_time: int) -> None:
        """A sender report: this instant is that RTP time."""
        self._told = (utc, rtp_time)
        if self._last_stamp is not None and self._last_stamp >= 0:
            self._believe()

    def _believe(self) -> None:
        """Take the newest report; one that came ahead of the first unit waits for it."""
        if self._told is not None and self._last_stamp is not None:
            utc, rtp_time = self._told
            at = self.extended + _signed(rtp_time - self._last_stamp)
            self.reported = utc - at * NS // self._rate
        self._told = None

    def place(self, stamp: int, *, arrived: Utc, now: float, may_step: bool) -> Moment:
        """The moment of a unit with this RTP timestamp."""
        jumped, passed = self._unwrap(stamp, now)
        nominal = self.extended * NS // self._rate
        self.floor = self._delay.add(arrived - nominal, now)
        if self._played_stamp is not None:
            # RTP-Info is a promise about the first packet; far from it, it is one of the many wrong ones.
            ahead = _signed(stamp - self._played_stamp)
            if abs(ahead) < 10 * self._rate:
                self.played = -((self.extended - ahead) * NS // self._rate)
            self._played_stamp = None
        if self._steer(passed, may_step=may_step or jumped):
            jumped = True
        assert self._offset is not None
        ticks = self.extended if self._rate == self._ticks_rate else self.extended * self._ticks_rate // self._rate
        return Moment(ticks, Utc(nominal + self._offset), jumped)

    def _unwrap(self, stamp: int, now: float) -> tuple[bool, int]:
        """Count `extended` on; whether the timestamps jumped, and by how much it grew."""
        if self._last_stamp is None:
            self._last_stamp, self._last_now, self.extended = stamp, now, stamp
            self._believe()
            return False, 0
        elapsed = (now - self._last_now) * self._rate
        jumped = self._last_stamp < 0
        delta = 0 if jumped else _signed(stamp - self._last_stamp)
        bound = self._limits.jump * self._rate
        if jumped or (abs(delta) > bound and abs(delta - elapsed) > bound):
            jumped, delta = True, max(1, round(elapsed))
            self.reported = self.played = None
            self._delay.reset()
        restarted = self._last_stamp < 0
        self._last_stamp, self._last_now = stamp, now
        self.extended += delta
        if restarted:
            self._believe()
        return jumped, abs(delta)

    @property
    def _target(self) -> int:
        assert self.floor is not None
        if self.reported is not None and abs(self.reported - self.floor) <= self._limits.plausible * NS:
            return self.reported
        return self.floor

    def _steer(self, passed: int, *, may_step: bool) -> bool:
        """Move the offset towards the target; True for a step."""
        target = self._target
        if self._offset is None:
            self._offset = target
            return False
        error = target - self._offset
        if abs(error) > self._limits.step * NS:
            if may_step:
                self._offset = target
            return may_step
        most = round(passed * NS / self._rate * self._limits.steer)
        self._offset += max(-most, min(most, error))
        return False


class AlignedClock:
    """The time of a track beside the video: its ticks are moved so that both count from the same instant.

    Where they belong is known from sender reports, or from `RTP-Info`, or, when neither came in time, from arrival.

    Args:
        clock: the track's own.
        video: the video's.
    """

    def __init__(
        self, clock: TrackClock, video: TrackClock, *, ticks_rate: int, limits: TimelineLimits = TIMELINE_LIMITS
    ) -> None:
        self._clock, self._video, self._ticks_rate, self._limits = clock, video, ticks_rate, limits
        self._shift: int | None = None
        self._since: float | None = None

    def place(self, stamp: int, *, arrived: Utc, now: float) -> Moment | None:
        """The moment of a unit; None as long as its place is not known."""
        moment = self._clock.place(stamp, arrived=arrived, now=now, may_step=True)
        if self._since is None:
            self._since = now
        shift, jumped = self._find(now), moment.jumped
        if shift is None:
            return None
        if self._shift is None or jumped or abs(shift - self._shift) > self._limits.realign * NS:
            jumped = jumped or self._shift is not None
            self._shift = shift
        return Moment(moment.ticks + self._shift * self._ticks_rate // NS, moment.utc, jumped)

    def _find(self, now: float) -> int | None:
        """Nanoseconds between the two clocks' zeros, from the best pair of sources."""
        clock, video = self._clock, self._video
        if clock.floor is None or video.floor is None:
            return None
        by_arrival = clock.floor - video.floor
        for mine, its in ((clock.reported, video.reported), (clock.played, video.played)):
            if mine is not None and its is not None and abs(mine - its - by_arrival) < NS:
                return mine - its
        assert self._since is not None
        if self._shift is not None:
            return self._shift
        return by_arrival if now - self._since >= self._limits.align else None


def _signed(difference: int) -> int:
    """A difference of two 32-bit timestamps, the shorter way round."""
    return (difference + 0x8000_0000 & 0xFFFF_FFFF) - 0x8000_0000
