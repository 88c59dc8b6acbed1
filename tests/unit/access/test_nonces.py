"""Nonces: each use once, whatever the table has forgotten."""

import random

from camward.access.nonces import NonceLimits, Nonces

SMALL = NonceLimits(lifetime=100.0, window=8, table=16)


def test_each_count_once_within_the_window():
    nonces = Nonces(SMALL)
    nonce = nonces.make(0.0)
    assert nonces.use(nonce, 10, 1.0)
    assert [count for count in range(20) if nonces.use(nonce, count, 1.0)] == [3, 4, 5, 6, 7, 8, 9, *range(11, 20)]
    assert not any(nonces.use(nonce, count, 1.0) for count in range(20))
    assert nonces.use(nonce, 0xFFFFFFFF, 1.0) and not nonces.use(nonce, 19, 1.0)


def test_without_counts_once():
    nonces = Nonces(SMALL)
    first, second = nonces.make(0.0), nonces.make(0.0)
    assert nonces.use(first, 0, 1.0) and not nonces.use(first, 0, 1.0)
    assert not any(nonces.use(first, count, 1.0) for count in range(1, 100))
    assert nonces.use(second, 1, 1.0) and not nonces.use(second, 0, 1.0)


def test_lifetime():
    nonces = Nonces(SMALL)
    nonce = nonces.make(50.0)
    assert not nonces.use(nonce, 1, 49.0) and not nonces.use(nonce, 1, 150.0)
    assert nonces.use(nonce, 1, 149.9)


def test_not_ours():
    ours, theirs = Nonces(SMALL), Nonces(SMALL)
    nonce = ours.make(0.0)
    assert not theirs.use(nonce, 1, 0.0)
    for position in range(len(nonce)):
        changed = nonce[:position] + ("A" if nonce[position] != "A" else "B") + nonce[position + 1 :]
        assert not ours.use(changed, 1, 0.0)
    assert len(ours) == 0


def test_forgetting_never_lets_a_replay_in():
    dice = random.Random(7)
    nonces = Nonces(SMALL)
    used: list[tuple[str, int]] = []
    made: list[str] = []
    now = 0.0
    for _ in range(5000):
        now += dice.random()
        made.append(nonces.make(now))
        nonce, count = dice.choice(made[-40:]), dice.randrange(6)
        fresh = (nonce, count) not in used
        accepted = nonces.use(nonce, count, now)
        assert fresh or not accepted
        if accepted:
            used.append((nonce, count))
        assert len(nonces) <= SMALL.table
    assert len(used) > 1000
    assert not any(nonces.use(nonce, count, now) for nonce, count in used)
