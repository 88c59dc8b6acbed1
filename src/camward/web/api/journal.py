"""The audit log over HTTP: newest first, filtered, paged."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import Query

from camward.access import Action
from camward.base.clock import Utc
from camward.journal import Entry, JournalFilter
from camward.web.admission import OurSite
from camward.web.routing import Routes

routes = Routes()


@routes.get("/api/v1/journal", Action.JOURNAL)
async def journal(
    site: OurSite,
    before: Annotated[int | None, Query(ge=1)] = None,
    kind: Annotated[str | None, Query(max_length=64)] = None,
    who: Annotated[str | None, Query(max_length=64)] = None,
    since: Annotated[int | None, Query(ge=0)] = None,
    until: Annotated[int | None, Query(ge=0)] = None,
    text: Annotated[str, Query(max_length=200)] = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[dict[str, object]]:
    """Entries, newest first. `before`: those with a smaller number; times in nanoseconds."""
    wanted = JournalFilter(
        before=before,
        kind=kind,
        who=who,
        since=None if since is None else Utc(since),
        until=None if until is None else Utc(until),
        text=text,
    )
    entries = await asyncio.to_thread(site.journal.read, wanted, limit=limit)
    return [entry_json(entry) for entry in entries]


@routes.get("/api/v1/journal/verdict", Action.JOURNAL)
async def verdict(site: OurSite) -> dict[str, object]:
    """Check the whole chain now: every change, removal or insertion before the newest entry shows."""
    report = await asyncio.to_thread(site.journal.verify)
    broken = report.broken
    place = broken and {
        "part": broken.part,
        "line": broken.line,
        "seq": broken.seq,
        "reason": broken.reason,
        "text": broken.text,
    }
    return {"verdict": report.verdict, "entries": report.entries, "first": report.first, "broken": place}


def entry_json(entry: Entry) -> dict[str, object]:
    """An entry as the API shows it."""
    return {
        "seq": entry.seq,
        "utc": entry.utc,
        "who": entry.who,
        "where": entry.where,
        "kind": entry.kind,
        "what": entry.what,
        "details": entry.details,
        "hash": entry.hash,
    }
