"""Any bytes from the worker are reports or a `WireError`; what is encoded comes back, however it is cut."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from camward.base.clock import Utc
from camward.camera.wire import (
    FrameSplitter,
    Kind,
    LostReport,
    SnapshotReport,
    UnitReport,
    WireError,
    decode_report,
    encode_report,
)
from camward.media.nal import join_length_prefixed
from camward.media.unit import AccessUnit, Flags, Track

nal = st.binary(min_size=1, max_size=40)
flags = st.sampled_from([Flags.NONE, Flags.KEY, Flags.DISCONTINUITY, Flags.KEY | Flags.DISCONTINUITY])
times = st.tuples(st.integers(0, (1 << 48) - 1), st.integers(0, (1 << 63) - 1))
videos = st.builds(
    lambda when, nals, flag: AccessUnit(Track.VIDEO, when[0], Utc(when[1]), join_length_prefixed(nals), flag),
    times,
    st.lists(nal, min_size=1, max_size=5),
    flags,
)
sounds = st.builds(
    lambda when, data: AccessUnit(Track.AUDIO, when[0], Utc(when[1]), data, Flags.KEY), times, st.binary(min_size=1)
)
reports = st.one_of(
    st.builds(UnitReport, st.integers(1, 3), st.one_of(videos, sounds)),
    st.builds(LostReport, st.text(st.characters(codec="utf-8", categories=["L", "N"]), max_size=50)),
    st.builds(lambda number, data: SnapshotReport(number, b"\xff\xd8\xff" + data, ""), st.integers(0, 9), st.binary()),
)


@given(st.lists(reports, max_size=5), st.lists(st.integers(1, 60), min_size=1, max_size=8))
def test_what_is_sent_arrives_however_it_is_cut(sent, cuts):
    stream = b"".join(b"".join(encode_report(report)) for report in sent)
    splitter, found, position, index = FrameSplitter(), [], 0, 0
    while position < len(stream):
        step = cuts[index % len(cuts)]
        found += [decode_report(frame) for frame in splitter.receive(stream[position : position + step])]
        position, index = position + step, index + 1
    assert found == sent


@given(st.lists(st.binary(max_size=80), max_size=6))
def test_any_bytes_are_frames_or_the_end(chunks):
    splitter = FrameSplitter()
    try:
        for chunk in chunks:
            for frame in splitter.receive(chunk):
                decode_report(frame)
    except WireError:
        pass


@given(st.sampled_from(sorted(kind.value for kind in Kind)), st.binary(max_size=200))
def test_any_body_of_a_known_kind_is_a_report_or_an_error(kind, body):
    data = bytes((kind,)) + body
    try:
        report = decode_report(data)
    except WireError:
        return
    if isinstance(report, UnitReport):
        assert b"".join(encode_report(report)) == struct.pack(">I", len(data)) + data
