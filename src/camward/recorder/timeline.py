"""What a camera's timeline shows: recorded stretches joined, and between them the reason why there is nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from camward.base.clock import Utc
from camward.recorder.index.reader import Outage, Run
from camward.recorder.status import Span, SpanState

JOIN = 1_500_000_000
"""Pictures less than this apart, nanoseconds, have no gap between them."""

Stretch = tuple[int, int]


def join_ranges(ranges: Iterable[Stretch]) -> list[Stretch]:
    """Stretches that touch or overlap, as one; in order. A clock that was set back makes files overlap."""
    joined: list[Stretch] = []
    for begin, end in sorted(ranges):
        if joined and begin - joined[-1][1] <= JOIN:
            joined[-1] = joined[-1][0], max(joined[-1][1], end)
        else:
            joined.append((begin, end))
    return joined


def lay_out(
    recorded: Iterable[Stretch], reasons: Sequence[Span], *, from_utc: int, to_utc: int, now: int
) -> list[Span]:
    """The whole range as spans, without holes.

    Args:
        recorded: when files begin and end.
        reasons: known reasons, in order of precedence where they overlap.
        from_utc: begin of the range.
        to_utc: its end.
        now: what is later has not happened yet.
    """
    spans: list[Span] = []
    cursor = from_utc
    for first, last in join_ranges(recorded):
        begin, end = max(first, from_utc), min(last, to_utc)
        if begin >= end:
            continue
        spans += _explain(cursor, begin, reasons, now=now)
        spans.append(Span(Utc(begin), Utc(end), SpanState.RECORDED))
        cursor = max(cursor, end)
    return spans + _explain(cursor, to_utc, reasons, now=now)


def _explain(begin: int, end: int, reasons: Sequence[Span], *, now: int) -> list[Span]:
    """A gap, cut where its reason changes."""
    if begin >= end:
        return []
    if end > now:
        later = Span(Utc(max(begin, now)), Utc(end), SpanState.FUTURE)
        return [*_explain(begin, now, reasons, now=now), later]
    edges = {begin, end}
    near = [span for span in reasons if span.from_utc < end + JOIN and span.to_utc > begin - JOIN]
    for span in near:
        # What was noted a moment after the last picture explains the gap from its beginning.
        edges.update(edge for edge in (span.from_utc, span.to_utc) if begin + JOIN < edge < end - JOIN)
    cuts = sorted(edges)
    spans: list[Span] = []
    for first, last in pairwise(cuts):
        middle = (first + last) // 2
        why = next((span for span in near if span.from_utc - JOIN <= middle < span.to_utc + JOIN), None)
        state, reason = (why.state, why.reason) if why else (SpanState.UNKNOWN, "")
        if spans and (spans[-1].state, spans[-1].reason) == (state, reason):
            spans[-1] = Span(spans[-1].from_utc, Utc(last), state, reason)
        else:
            spans.append(Span(Utc(first), Utc(last), state, reason))
    return spans


def known_reasons(outages: Iterable[Outage], runs: Sequence[Run], *, now: Utc) -> list[Span]:
    """Outages, then the times at which no recorder ran."""
    spans = [
        Span(outage.from_utc, now if outage.to_utc is None else outage.to_utc, _state(outage.state), outage.reason)
        for outage in outages
    ]
    for before, after in pairwise(runs):
        if after.started > before.seen:
            reason = "The recorder was switched off" if before.clean else "The recorder stopped unexpectedly"
            spans.append(Span(before.seen, after.started, SpanState.RECORDER_OFF, reason))
    return spans


def _state(text: str) -> SpanState:
    return SpanState(text) if text in set(SpanState) else SpanState.UNKNOWN
