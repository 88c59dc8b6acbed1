"""Times and ranges of requests: what is taken, and what is refused with which words."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camward.base.clock import NS
from camward.web.recorder.times import BadRangeError, iso, milliseconds, read_range, read_time

MORNING = int(datetime(2025, 11, 24, 14, 32, 7, 480_000, tzinfo=UTC).timestamp() * 1000) * 1_000_000


@pytest.mark.parametrize(
    "text",
    [
        "1763994727480",
        "1763994727480.0",
        " 1763994727480 ",
        "2025-11-24T14:32:07.480Z",
        "2025-11-24T15:32:07.480+01:00",
    ],
)
def test_one_time_in_all_its_forms(text: str) -> None:
    assert read_time(text) == MORNING


def test_a_fraction_of_a_millisecond_is_kept() -> None:
    assert read_time("1763994727480.1234567891"[:23]) == MORNING + 123_456 + 0
    assert milliseconds(MORNING + 123_000) == 1763994727480.123


@pytest.mark.parametrize(
    "text",
    ["", "now", "-5", "2025-11-24T14:32:07", "2025-11-24", "1e12", "NaN", "99999999999999999999", "9" * 17, "٣" * 5,
     "1763994727480480", "2025-13-01T00:00:00Z", "x" * 1000],
)  # fmt: skip
def test_what_is_no_time_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(BadRangeError) as caught:
        read_time(text, name="from")
    assert '"from"' in caught.value.what and len(caught.value.what) < 120 and caught.value.next


@given(st.text(max_size=60))
def test_any_text_is_a_time_or_refused(text: str) -> None:
    try:
        assert 0 <= read_time(text) <= 4_102_444_800 * NS
    except BadRangeError as error:
        assert error.code == "BAD-RANGE"


@given(st.integers(min_value=0, max_value=4_102_444_800_000))
def test_what_we_write_we_read(ms: int) -> None:
    assert read_time(iso(ms * 1_000_000)) == ms * 1_000_000
    assert read_time(str(ms)) == ms * 1_000_000


def test_ranges() -> None:
    assert read_range("1000", "2000", longest=1).seconds == 1
    for start, end in (("2000", "1000"), ("1000", "1000")):
        with pytest.raises(BadRangeError, match="later"):
            read_range(start, end, longest=10)
    with pytest.raises(BadRangeError, match="longer than 24 hours"):
        read_range("0", str(90_000_000), longest=86_400)
