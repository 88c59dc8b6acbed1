"""A camera made of gst-rtsp-server: H.264 and AAC from a file, Digest, TLS if wanted. Run with the system's Python.

`gst_rtsp_site.py CLIP [--user NAME PASSWORD] [--tls PEM] [--h265] [--g711]` prints its port and serves /stream until
standard input closes; a line "stop" on it makes the server drop all clients. The PEM file holds certificate and key.
"""

import argparse
import sys
import threading

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

parser = argparse.ArgumentParser()
parser.add_argument("clip")
parser.add_argument("--user", nargs=2)
parser.add_argument("--tls")
parser.add_argument("--h265", action="store_true")
parser.add_argument("--g711", action="store_true")
arguments = parser.parse_args()

Gst.init(None)
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service("0")
video = "h264parse ! rtph264pay name=pay0 pt=96"
if arguments.h265:
    video = "h265parse ! rtph265pay name=pay0 pt=96"
sound = ""
if arguments.g711:
    sound = "audiotestsrc is-live=true ! audio/x-raw,rate=8000,channels=1 ! mulawenc ! rtppcmupay name=pay1 pt=0"
elif not arguments.h265 and "audio" in arguments.clip:
    sound = "d. ! queue ! aacparse ! rtpmp4gpay name=pay1 pt=97"
factory = GstRtspServer.RTSPMediaFactory()
factory.set_launch(f"( filesrc location={arguments.clip} ! qtdemux name=d  d. ! queue ! {video}  {sound} )")

auth = GstRtspServer.RTSPAuth()
if arguments.user:
    auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "viewer")
    auth.add_digest(*arguments.user, token)
    permissions = GstRtspServer.RTSPPermissions()
    permissions.add_permission_for_role("viewer", "media.factory.access", True)
    permissions.add_permission_for_role("viewer", "media.factory.construct", True)
    factory.set_permissions(permissions)
if arguments.tls:
    auth.set_tls_certificate(Gio.TlsCertificate.new_from_file(arguments.tls))
if arguments.user or arguments.tls:
    server.set_auth(auth)
server.get_mount_points().add_factory("/stream", factory)
server.attach(None)
print(server.get_bound_port(), flush=True)
loop = GLib.MainLoop()


def listen() -> None:
    for line in sys.stdin:
        if line.strip() == "stop":
            GLib.idle_add(lambda: server.client_filter(lambda *_: GstRtspServer.RTSPFilterResult.REMOVE) and False)
    loop.quit()


threading.Thread(target=listen, daemon=True).start()
loop.run()
