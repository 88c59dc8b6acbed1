"""The recorder's pages: live, timeline, cameras with the wizard, events, health."""

from __future__ import annotations

import base64
from typing import Annotated

from fastapi import Query, Request, Response

from camward.access.table import Action
from camward.base.events import EventKind
from camward.recorder.status import StorageReport
from camward.web.admission import Visitor, Who
from camward.web.pages import render
from camward.web.recorder.cameras import camera_or_404, certificate_of, one_view
from camward.web.recorder.event_log import worst_first
from camward.web.recorder.events import WORDS, event_view, seen_by, select
from camward.web.recorder.health import VOLUME, headline, health_lines
from camward.web.recorder.parts import Parts, RecorderParts
from camward.web.recorder.recordings import require
from camward.web.recorder.shown import camera_views, days_words, size_words
from camward.web.recorder.status import counts, summary
from camward.web.routing import Routes

routes = Routes()

GRIDS = (1, 4, 9, 16)


@routes.page("/live", Action.CAMERAS_READ)
async def live(request: Request, parts: Parts, who: Who) -> Response:
    """All cameras as they are now."""
    views = [view for view in camera_views(parts.recorder, who, None) if who.may(Action.LIVE, view.id)]
    tiles = [
        {"id": view.id, "name": view.name, "stream2": view.stream2, "state": view.state.model_dump()} for view in views
    ]
    needs = []
    if who.may(Action.EVENTS):
        needs = [event_view(parts, one) for one in worst_first(parts.log.open_alarms(seen_by(parts, who)))]
    return render(
        request,
        who,
        "recorder/live.html",
        tiles=tiles,
        grids=GRIDS,
        needs=needs,
        may_events=who.may(Action.EVENTS),
        may_acknowledge=who.may(Action.ACKNOWLEDGE),
        may_manage=who.may(Action.CAMERAS_MANAGE),
        may_recorded=who.may_somewhere(Action.RECORDED),
        summary=await summary(parts, who),
    )


@routes.page("/timeline", Action.CAMERAS_READ)
async def timeline(request: Request, parts: Parts, who: Who) -> Response:
    """What was recorded."""
    views = [view for view in camera_views(parts.recorder, who, None) if who.may(Action.RECORDED, view.id)]
    lanes = [{"id": view.id, "name": view.name, "stream2": view.stream2} for view in views]
    lanes += await _removed(parts, who)
    return render(
        request,
        who,
        "recorder/timeline.html",
        cameras=lanes,
        may_export=who.may_somewhere(Action.EXPORT),
        may_events=who.may(Action.EVENTS),
        may_pin=who.may_somewhere(Action.PIN),
        may_manage=who.may(Action.CAMERAS_MANAGE),
        summary=await summary(parts, who),
    )


@routes.page("/cameras", Action.CAMERAS_READ)
async def cameras(
    request: Request, parts: Parts, who: Who, added: Annotated[str, Query(max_length=64)] = ""
) -> Response:
    """The camera book, the disk, what is kept from deletion."""
    report = await parts.recorder.storage()
    views = camera_views(parts.recorder, who, report)
    names = {view.id: view.name for view in views}
    pins = [
        {
            "id": pin.id,
            "camera_name": names.get(pin.camera_id, pin.camera_id),
            "start": pin.from_utc,
            "end": pin.to_utc,
            "reason": pin.reason,
            "may": who.may(Action.PIN, pin.camera_id),
        }
        for pin in parts.recorder.pins.list()
        if who.may(Action.CAMERAS_READ, pin.camera_id)
    ]
    return render(
        request,
        who,
        "recorder/cameras.html",
        cameras=views,
        added=names.get(added, ""),
        volumes=[_volume(report)] if who.may(Action.STATUS) else [],
        pins=pins,
        may_manage=who.may(Action.CAMERAS_MANAGE),
        summary=await summary(parts, who),
    )


@routes.page("/cameras/add", Action.CAMERAS_MANAGE)
async def add_camera(request: Request, parts: Parts, who: Who) -> Response:
    """The wizard."""
    owner_key = parts.access.claim.owner_key
    return render(
        request,
        who,
        "recorder/add.html",
        certificate=base64.b64encode(certificate_of(parts)).decode(),
        owner_key=base64.b64encode(owner_key).decode() if owner_key else "",
        default_days=parts.settings.current.recording.keep_days,
    )


@routes.page("/cameras/{camera_id}", Action.CAMERAS_READ, resource="camera_id")
async def camera(request: Request, parts: Parts, who: Who, camera_id: str) -> Response:
    """One camera: facts, change, remove."""
    camera_or_404(parts, who, camera_id)
    require(who, Action.CAMERAS_MANAGE, camera_id)
    view = await one_view(parts, who, camera_id)
    days = parts.settings.current.recording.keep_days
    return render(request, who, "recorder/camera.html", camera=view, default_days=days)


@routes.page("/events", Action.EVENTS)
async def events(
    request: Request,
    parts: Parts,
    who: Who,
    camera: Annotated[str, Query(max_length=64)] = "",
    kind: Annotated[str, Query(max_length=40)] = "",
    state: Annotated[str, Query(max_length=10)] = "all",
    before: Annotated[int | None, Query(ge=1)] = None,
) -> Response:
    """What happened, newest first, with filters."""
    wanted = next((one for one in EventKind if one.value == kind), None)
    state = state if state in ("all", "open", "alarms") else "all"
    found = select(parts, who, camera=camera, kind=wanted, state=state, before=before)
    names = {view.id: view.name for view in camera_views(parts.recorder, who, None)}
    return render(
        request,
        who,
        "recorder/events.html",
        events=[event_view(parts, one) for one in found],
        all_count=len(select(parts, who, limit=5000)),
        cameras=names,
        kinds=[(one.value, word) for one, (word, _) in WORDS.items()],
        chosen={"camera": camera, "kind": wanted.value if wanted else "", "state": state},
        may_acknowledge=who.may(Action.ACKNOWLEDGE),
        may_recorded=who.may_somewhere(Action.RECORDED),
        page_size=200,
        summary=await summary(parts, who),
    )


@routes.page("/health", Action.STATUS)
async def health(request: Request, parts: Parts, who: Who) -> Response:
    """One line for each part."""
    lines = health_lines(parts, who, await parts.recorder.storage())
    _, wanted = counts(parts, who)
    sentence, well = headline(lines, wanted)
    return render(
        request,
        who,
        "recorder/health.html",
        lines=lines,
        sentence=sentence,
        well=well,
        summary=await summary(parts, who),
    )


async def _removed(parts: RecorderParts, who: Visitor) -> list[dict[str, object]]:
    """Cameras that left the book while their recordings are still here."""
    book = parts.recorder.cameras.list()
    report = await parts.recorder.storage()
    return [
        {"id": one.camera_id, "name": f"{one.camera_id} (removed)", "stream2": False}
        for one in report.cameras
        if one.camera_id not in book and one.size and who.may(Action.RECORDED, one.camera_id)
    ]


def _volume(report: StorageReport) -> dict[str, object]:
    taken = report.total - report.free
    tone = VOLUME[report.state][1].removeprefix("st--")
    more = f"{size_words(report.reserve)} stay free"
    if report.bytes_per_day:
        more += f"; all cameras together record {size_words(report.bytes_per_day)} a day"
    return {
        "name": "Disk of recordings",
        "words": f"room for {days_words(report.days)}"
        if report.days is not None
        else f"{size_words(report.free)} free",
        "permille": round(1000 * taken / report.total) if report.total else 0,
        "tone": "" if tone == "ok" else "unsure",
        "more": f"{size_words(report.used)} of recordings on a disk of {size_words(report.total)}, "
        f"{size_words(report.free)} free; {more}." + (f" {report.reason}" if report.reason else ""),
    }
