"""Puts a site together: the gate, error answers, static files, and the routes of its parts."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import FastAPI
from prometheus_client import GC_COLLECTOR, PLATFORM_COLLECTOR, PROCESS_COLLECTOR, CollectorRegistry
from prometheus_client.registry import Collector
from starlette.middleware import Middleware

from camward import __version__
from camward.web import entrance, static_files
from camward.web.api import accounts, claim, clients, journal, machine, session, settings
from camward.web.failures import install_failures
from camward.web.gate import Gate
from camward.web.routing import GuardedRoute, Routes
from camward.web.setup import pages as setup
from camward.web.site import Site
from camward.web.static_files import StaticTree
from camward.web.users import pages as users

SHARED = (
    static_files.routes,
    entrance.routes,
    session.routes,
    claim.routes,
    accounts.routes,
    clients.routes,
    journal.routes,
    settings.routes,
    machine.routes,
    setup.routes,
    users.routes,
)


def build(site: Site, parts: object, routes: Sequence[Routes], *, collectors: Sequence[Collector] = ()) -> FastAPI:
    """The ASGI application of a device.

    Args:
        site: what all pages share.
        parts: what this device's own routes need; in `app.state.parts`.
        routes: this device's own routes.
        collectors: what this device counts, for /metrics.
    """
    app = FastAPI(
        title=f"Camward {site.device}",
        version=__version__,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        middleware=[Middleware(Gate, site=site)],
    )
    app.router.route_class = GuardedRoute
    app.state.site, app.state.parts, app.state.static = site, parts, StaticTree()
    app.state.metrics = CollectorRegistry()
    for collector in (PROCESS_COLLECTOR, PLATFORM_COLLECTOR, GC_COLLECTOR, *collectors):
        app.state.metrics.register(collector)
    install_failures(app)
    for group in (*SHARED, *routes):
        group.install(app)
    return app
