"""Parts come back after they fail, later each time, and stop when told."""

import asyncio

import pytest

from camward.base.errors import CamwardError
from camward.base.supervision import Backoff, keep_running


def test_waits_double_up_to_the_most_and_start_over():
    backoff = Backoff(first=1, most=4)
    for full in (1, 2, 4, 4):
        assert full * 0.75 <= backoff.delay() <= full
    backoff.reset()
    assert backoff.delay() <= 1


@pytest.mark.parametrize("failure", [None, CamwardError("gone"), ValueError("a bug")])
async def test_a_part_that_ends_or_fails_is_started_again(failure):
    runs = 0
    third = asyncio.Event()

    async def part() -> None:
        nonlocal runs
        runs += 1
        if runs == 3:
            third.set()
            await asyncio.sleep(60)
        if failure is not None:
            raise failure

    task = asyncio.create_task(keep_running("part", part, backoff=Backoff(first=0.001, most=0.002)))
    await asyncio.wait_for(third.wait(), 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert runs == 3
