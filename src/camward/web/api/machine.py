"""For programs: the API's own description, and counters for Prometheus."""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import CollectorRegistry

from camward.access import Action
from camward.web.routing import Routes

routes = Routes()


@routes.file("/api/v1/openapi.json", Action.OWN_ACCOUNT)
async def description(request: Request) -> dict[str, Any]:
    """OpenAPI 3.1 of this device's API."""
    found: dict[str, Any] = request.app.openapi()
    return found


@routes.file("/metrics", Action.METRICS)
async def metrics(request: Request) -> Response:
    """Counters in Prometheus' text form; each part of the site registers its own."""
    registry = request.app.state.metrics
    assert isinstance(registry, CollectorRegistry)
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
