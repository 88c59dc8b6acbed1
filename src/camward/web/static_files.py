"""Scripts, style sheet and icons: read once, named by the hash of them all, so that browsers may keep them for ever.

The hash is a folder of the address (/static/HASH/live/view.js), so modules that import each other by relative
address stay of one version.
"""

from __future__ import annotations

import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path

from fastapi import Request, Response

from camward.access import Action
from camward.web.errors import NotFoundError
from camward.web.routing import Routes

FOLDER = Path(__file__).parent / "static"
TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file's bytes and type."""

    data: bytes
    kind: str
    tag: str


class StaticTree:
    """All static files of the product."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._files: dict[str, StaticFile] = {}
        whole = hashlib.sha256()
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                name, data = path.relative_to(folder).as_posix(), path.read_bytes()
                digest = hashlib.sha256(data).digest()
                whole.update(name.encode() + b"\0" + digest)
                kind = TYPES.get(path.suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
                self._files[name] = StaticFile(data, kind, f'"{digest[:12].hex()}"')
        self.version = whole.hexdigest()[:12]

    def url(self, name: str) -> str:
        """Where a file is.

        Raises:
            KeyError: there is none of this name.
        """
        if name not in self._files:
            raise KeyError(name)
        return f"/static/{self.version}/{name}"

    def respond(self, version: str, name: str, *, known: str | None) -> Response:
        """The file, or 304 where the browser has it.

        Raises:
            NotFoundError: there is none.
        """
        found = self._files.get(name)
        if found is None:
            raise NotFoundError("There is no such file")
        # A page of the version before the last upgrade still gets its names, but nothing that lasts.
        keep = "public, max-age=31536000, immutable" if version == self.version else "no-cache"
        headers = {"Cache-Control": keep, "ETag": found.tag}
        if known == found.tag:
            return Response(status_code=304, headers=headers)
        return Response(found.data, media_type=found.kind, headers=headers)


routes = Routes()


@routes.file("/static/{version}/{name:path}", Action.PUBLIC)
async def static_file(request: Request, version: str, name: str) -> Response:
    """One static file."""
    tree = request.app.state.static
    assert isinstance(tree, StaticTree)
    return tree.respond(version, name, known=request.headers.get("if-none-match"))


@routes.file("/favicon.ico", Action.PUBLIC)
async def favicon(request: Request) -> Response:
    """The mark, where browsers look for it by themselves."""
    tree = request.app.state.static
    assert isinstance(tree, StaticTree)
    return tree.respond("", "mark.svg", known=request.headers.get("if-none-match"))
