"""What failed, as a page for people or as JSON {code, what, why, next} for programs."""

from __future__ import annotations

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from starlette.exceptions import HTTPException

from camward.access.errors import (
    AccountError,
    AlreadyClaimedError,
    ClaimRefusedError,
    DigestRefusedError,
    LoginRefusedError,
)
from camward.access.principal import NOBODY
from camward.base.errors import CamwardError, ConfigurationError, NotPermittedError, NotReachableError, ProtocolError
from camward.web.admission import NotLoggedInError, UnclaimedError, Visitor, address_of
from camward.web.errors import NotFoundError
from camward.web.pages import render
from camward.web.site import site_of

log = structlog.get_logger(__name__)

STATUS: tuple[tuple[type[CamwardError], int], ...] = (
    (NotLoggedInError, 401),
    (LoginRefusedError, 403),  # a 401 would have to carry a challenge, and make browsers ask by themselves
    (AlreadyClaimedError, 409),
    (NotPermittedError, 403),
    (AccountError, 422),
    (ConfigurationError, 422),
    (ProtocolError, 400),
    (NotReachableError, 502),
)
BY_CODE = {"NO-PICTURE": 503}
"""Of errors whose class says too little."""
SENTENCES = {
    400: "The request can't be read",
    404: "There is nothing at this address",
    405: "This address knows no such method",
    413: "The request is too large",
    415: "This kind of content is not taken here",
}


def install_failures(app: FastAPI) -> None:
    """Every failure gets one form."""
    app.add_exception_handler(CamwardError, _on_ours)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(RequestValidationError, _on_invalid)


def status_of(error: CamwardError) -> int:
    """The HTTP status of one of our errors."""
    if isinstance(error, DigestRefusedError):
        return error.status
    if isinstance(error, ClaimRefusedError | LoginRefusedError) and error.wait:
        return 429
    if isinstance(error, NotFoundError):
        return 404
    if error.code in BY_CODE:
        return BY_CODE[error.code]
    return next((status for kind, status in STATUS if isinstance(error, kind)), 500)


def wants_page(request: Request) -> bool:
    """Whether a person at a browser is to read the answer."""
    declared = request.scope.get("camward.page")
    if declared is not None:
        return bool(declared)
    return not request.url.path.startswith("/api/") and "text/html" in request.headers.get("accept", "")


async def failure(
    request: Request, error: CamwardError, *, status: int, headers: dict[str, str] | None = None
) -> Response:
    """The answer to a request that failed."""
    body = {"code": error.code, "what": error.what, "why": error.why, "next": error.next}
    if key := getattr(error, "key", ""):
        body["key"] = str(key)
    if not wants_page(request):
        return JSONResponse(body, status_code=status, headers=headers)
    visitor = getattr(request.state, "visitor", None) or known_visitor(request)
    return render(request, visitor, "error.html", status=status, error=body, headers=headers)


def known_visitor(request: Request) -> Visitor:
    """Who it is, for the frame around an error page: only a session counts."""
    from camward.web.admission import COOKIE

    site, address = site_of(request), address_of(request)
    token = request.cookies.get(COOKIE)
    session = site.access.sessions.get(token, address=address) if token and site.access.claimed else None
    return Visitor(session.principal if session else NOBODY, session, address)


async def _on_ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, CamwardError)
    status = status_of(error)
    if wants_page(request) and request.method in ("GET", "HEAD"):
        if isinstance(error, UnclaimedError):
            return RedirectResponse("/", 303)
        if isinstance(error, NotLoggedInError):
            return RedirectResponse(f"/login?next={_here(request)}", 303)
    if status == 500:
        log.error("request_failed", path=request.url.path, code=error.code, error=error.diagnostics())
    wait = getattr(error, "wait", 0)
    response = await failure(
        request, error, status=status, headers={"Retry-After": str(max(1, round(wait)))} if wait else None
    )
    # A browser would answer a challenge with a window of its own, and keep what is typed there for good.
    if isinstance(error, NotLoggedInError | DigestRefusedError) and "sec-fetch-mode" not in request.headers:
        for challenge in error.challenges:
            response.headers.append("WWW-Authenticate", challenge)
    return response


def _here(request: Request) -> str:
    from urllib.parse import quote

    query = request.url.query
    return quote(request.url.path + (f"?{query}" if query else ""), safe="/")


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    site = site_of(request)
    if not site.access.claimed and error.status_code in (404, 405):
        return await _on_ours(request, UnclaimedError())
    what = SENTENCES.get(error.status_code, str(error.detail))
    next_step = "Go back to the start page" if error.status_code == 404 else ""
    ours = CamwardError(what, next=next_step, code=f"HTTP-{error.status_code}")
    return await failure(
        request, ours, status=error.status_code, headers=dict(error.headers) if error.headers else None
    )


async def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    reasons = [
        f"{'.'.join(str(part) for part in item['loc'][1:]) or item['loc'][0]}: {item['msg']}" for item in error.errors()
    ]
    ours = CamwardError(
        "The request is not of the form that this call takes", why="; ".join(reasons)[:500], code="REQUEST"
    )
    return await failure(request, ours, status=422)
