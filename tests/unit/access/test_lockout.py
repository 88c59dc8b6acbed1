"""An address that fails too often waits, longer each time; nobody else does; memory stays bounded."""

import pytest

from camward.access.lockout import Lockout, LockoutLimits, address_key

LIMITS = LockoutLimits()


def fail(lockout: Lockout, address: str, now: float, times: int = 8) -> None:
    for _ in range(times):
        assert lockout.attempt(address, now) == 0


def test_eight_failures_in_the_window_make_an_address_wait():
    lockout = Lockout()
    fail(lockout, "192.0.2.1", 100.0)
    assert lockout.waiting("192.0.2.1", 100.0) == 30
    assert lockout.attempt("192.0.2.1", 110.0) == 20
    assert lockout.waiting("192.0.2.2", 100.0) == 0
    assert lockout.attempt("192.0.2.1", 130.0) == 0


def test_slow_failures_do_not():
    lockout = Lockout()
    for step in range(100):
        assert lockout.attempt("192.0.2.1", step * 4.5) == 0


def test_waits_grow_up_to_the_longest_and_are_forgotten():
    lockout, now, waits = Lockout(), 0.0, []
    for _ in range(8):
        fail(lockout, "192.0.2.1", now)
        waits.append(lockout.waiting("192.0.2.1", now))
        now += waits[-1]
    assert waits == [30, 60, 120, 240, 480, 900, 900, 900]
    now += LIMITS.forget + 1
    fail(lockout, "192.0.2.1", now)
    assert lockout.waiting("192.0.2.1", now) == 30


def test_a_success_takes_back_its_own_try_and_no_other():
    lockout = Lockout()
    for _ in range(50):
        assert lockout.attempt("192.0.2.1", 0.0) == 0
        lockout.succeeded("192.0.2.1", 0.0)
    fail(lockout, "192.0.2.1", 0.0, times=7)
    assert lockout.attempt("192.0.2.1", 0.0) == 0
    lockout.succeeded("192.0.2.1", 0.0)  # the eighth was right: no wait
    assert lockout.waiting("192.0.2.1", 0.0) == 0
    fail(lockout, "192.0.2.1", 0.0, times=1)  # but the seven still count
    assert lockout.waiting("192.0.2.1", 0.0) == 30


def test_tries_at_the_same_time_are_counted_before_they_are_judged():
    lockout = Lockout()
    begun = sum(lockout.attempt("192.0.2.1", 0.0) == 0 for _ in range(1000))
    assert begun == 8


def test_a_full_table_keeps_those_who_wait():
    lockout = Lockout(LockoutLimits(addresses=64))
    fail(lockout, "192.0.2.1", 0.0)
    for number in range(10_000):
        lockout.attempt(f"198.51.{number // 256}.{number % 256}", 1.0)
        assert len(lockout) <= 64
    assert lockout.waiting("192.0.2.1", 1.0) == 29


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("not an address" * 20, ("not an address" * 20)[:64]),
    ],
)
def test_what_counts_as_one_address(address, key):
    assert address_key(address) == key
