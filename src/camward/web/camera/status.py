"""The camera's state, for its page and for programs."""

from __future__ import annotations

import shutil
from dataclasses import asdict

from camward.access import Action
from camward.base.clock import NS
from camward.trust.words import fingerprint_hex
from camward.web.admission import OurSite
from camward.web.camera.parts import CameraParts, Parts
from camward.web.routing import Routes
from camward.web.site import Site

routes = Routes()


@routes.get("/api/v1/status", Action.STATUS)
async def status(parts: Parts, site: OurSite) -> dict[str, object]:
    """Streams, source, certificate, free space."""
    return status_json(parts, site)


def status_json(parts: CameraParts, site: Site) -> dict[str, object]:
    """The state as the API shows it. Times in nanoseconds since 1970."""
    media, identity = parts.media.status, parts.identity
    tls = identity.tls_state(now=parts.clock.utc())
    disk = shutil.disk_usage(identity.folder)
    return {
        "utc": parts.clock.utc(),
        "serial": identity.serial,
        "name": site.name,
        "uptime": round(site.uptime, 1),
        "source": media.source,
        "controls": list(media.controls),
        "streams": {name: asdict(stream) for name, stream in media.streams.items()},
        "worker": {"running": media.worker_pid != 0, "restarts": media.worker_restarts, "confined": media.confined},
        "rtsp_port": parts.rtsp_port(),
        "identity": {
            "sha256": fingerprint_hex(identity.fingerprint),
            "words": identity.words,
            "provisioned": identity.provisioned,
        },
        "tls": {
            "sha256": identity.tls_fingerprint,
            "names": sorted(tls.addresses),
            "end": int(tls.end.timestamp()) * NS,
            "self_signed": tls.self_signed,
            "due": tls.due,
        },
        "storage": {"free": disk.free, "size": disk.total},
    }
