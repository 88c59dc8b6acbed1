"""Spans: recorded stretches joined, gaps with their reasons, no holes."""

from itertools import pairwise

from camward.base.clock import NS, Utc
from camward.recorder.index.reader import Outage, Run
from camward.recorder.status import Span, SpanState
from camward.recorder.timeline import join_ranges, known_reasons, lay_out


def lay(recorded, reasons=(), *, begin=0, end=100, now=1000) -> list[tuple]:
    spans = lay_out(
        [(a * NS, b * NS) for a, b in recorded], reasons, from_utc=begin * NS, to_utc=end * NS, now=now * NS
    )
    assert spans[0].from_utc == begin * NS and spans[-1].to_utc == end * NS
    assert all(a.to_utc == b.from_utc for a, b in pairwise(spans))
    return [(span.from_utc / NS, span.to_utc / NS, span.state.value, span.reason) for span in spans]


def why(begin, end, state, reason="") -> Span:
    return Span(Utc(begin * NS), Utc(end * NS), SpanState(state), reason)


def test_files_that_follow_each_other_are_one_span():
    assert join_ranges([(0, 10 * NS), (10 * NS + 5, 20 * NS), (21 * NS, 30 * NS)]) == [(0, 30 * NS)]
    assert join_ranges([(0, 10 * NS), (12 * NS, 20 * NS)]) == [(0, 10 * NS), (12 * NS, 20 * NS)]


def test_files_that_overlap_because_a_clock_was_set_back_are_one_span():
    assert join_ranges([(50, 60), (0, 100), (70, 120)]) == [(0, 120)]


def test_a_range_without_anything():
    assert lay([]) == [(0, 100, "unknown", "")]


def test_recorded_parts_are_clipped_to_the_range():
    assert lay([(-50, 20), (90, 200)]) == [
        (0, 20, "recorded", ""),
        (20, 90, "unknown", ""),
        (90, 100, "recorded", ""),
    ]


def test_gaps_have_their_reasons():
    reasons = [why(20.5, 40, "network", "no answer"), why(60, 90, "recorder_off", "switched off")]
    assert lay([(0, 20), (40.5, 60), (90.2, 100)], reasons) == [
        (0, 20, "recorded", ""),
        (20, 40.5, "network", "no answer"),
        (40.5, 60, "recorded", ""),
        (60, 90.2, "recorder_off", "switched off"),
        (90.2, 100, "recorded", ""),
    ]


def test_a_gap_with_two_reasons_is_cut():
    reasons = [why(20, 50, "network", "a"), why(50, 80, "camera_off", "b")]
    assert lay([(0, 20), (80, 100)], reasons)[1:3] == [(20, 50, "network", "a"), (50, 80, "camera_off", "b")]


def test_a_gap_that_is_explained_in_part():
    assert lay([(0, 20), (80, 100)], [why(40, 50, "storage", "full")])[1:4] == [
        (20, 40, "unknown", ""),
        (40, 50, "storage", "full"),
        (50, 80, "unknown", ""),
    ]


def test_what_has_not_happened_yet():
    assert lay([(0, 20)], [why(20, 999, "network")], now=60) == [
        (0, 20, "recorded", ""),
        (20, 60, "network", ""),
        (60, 100, "future", ""),
    ]
    assert lay([], now=-5) == [(0, 100, "future", "")]


def test_reasons_from_outages_and_runs():
    outages = [Outage(Utc(5), Utc(9), "network", "x"), Outage(Utc(20), None, "strange", "y")]
    runs = [Run(1, Utc(0), Utc(50), True), Run(2, Utc(60), Utc(70), False), Run(3, Utc(90), Utc(95), False)]
    assert known_reasons(outages, runs, now=Utc(100)) == [
        Span(Utc(5), Utc(9), SpanState.NETWORK, "x"),
        Span(Utc(20), Utc(100), SpanState.UNKNOWN, "y"),
        Span(Utc(50), Utc(60), SpanState.RECORDER_OFF, "The recorder was switched off"),
        Span(Utc(70), Utc(90), SpanState.RECORDER_OFF, "The recorder stopped unexpectedly"),
    ]
