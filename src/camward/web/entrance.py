"""The way in: start page (first access while unclaimed), login, root certificate, security.txt, healthz."""

from __future__ import annotations

from fastapi import Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

from camward.access import Action
from camward.base.clock import NS, Utc
from camward.web.admission import OurSite, Who
from camward.web.errors import NotFoundError
from camward.web.pages import render, to_datetime_text
from camward.web.routing import Routes

routes = Routes()


@routes.page("/", Action.CLAIM)
async def start(request: Request, who: Who, site: OurSite) -> Response:
    """First access while nobody owns the device; later the first page one may see."""
    if not site.access.claimed:
        return render(request, who, "claim.html", owned=site.access.claim.owner_key is not None)
    if not who.logged_in:
        return RedirectResponse("/login", 303)
    return RedirectResponse(site.home, 303)


@routes.page("/login", Action.LOGIN)
async def login(request: Request, who: Who, site: OurSite) -> Response:
    """Name and password."""
    wanted = _own_path(request.query_params.get("next", "")) or site.home
    if who.logged_in:
        return RedirectResponse(wanted, 303)
    return render(request, who, "login.html", wanted=wanted)


@routes.file("/root.pem", Action.PUBLIC)
async def root_certificate(site: OurSite) -> Response:
    """The factory root, to be installed in browsers."""
    pem = site.identity.root_pem()
    if not pem:
        raise NotFoundError(
            "This device has no factory root",
            why="its certificates are self-signed",
            next="issue it an identity: camward factory issue",
        )
    return Response(
        pem,
        media_type="application/x-pem-file",
        headers={"Content-Disposition": 'attachment; filename="camward-root.pem"'},
    )


@routes.file("/healthz", Action.PUBLIC)
async def healthz() -> Response:
    """Answers while the web server does; says nothing to strangers."""
    return JSONResponse({"status": "ok"})


@routes.file("/.well-known/security.txt", Action.PUBLIC)
async def security_txt(request: Request, site: OurSite) -> Response:
    """Where to report a weakness (RFC 9116)."""
    page = request.url.replace(path="/security", query="")
    expires = to_datetime_text(Utc(site.clock.utc() + 180 * 86_400 * NS))
    return Response(f"Contact: {page}\nExpires: {expires}\nPreferred-Languages: en\n", media_type="text/plain")


@routes.file("/robots.txt", Action.PUBLIC)
async def robots() -> Response:
    """No picture of a camera belongs into a search engine."""
    return Response("User-agent: *\nDisallow: /\n", media_type="text/plain")


def _own_path(path: str) -> str:
    """A path of this site, or empty: a login page must not lead to another site."""
    plain = path.startswith("/") and not path.startswith(("//", "/\\", "/login")) and path.isprintable()
    return path if plain and "\\" not in path else ""
