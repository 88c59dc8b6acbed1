"""An existing camera: gst-rtsp-server plays a file's H.264 and AAC, untouched. Run by the system's Python.

Arguments: file, user, password, certificate and key in one PEM file (empty: plain RTSP). Prints the port.
"""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gio, GLib, Gst, GstRtspServer  # noqa: E402

PIPELINE = (
    "( filesrc location={path} ! qtdemux name=file "
    "file.video_0 ! queue ! h264parse ! rtph264pay name=pay0 pt=96 "
    "file.audio_0 ! queue ! aacparse ! rtpmp4gpay name=pay1 pt=97 )"
)


def main(path: str, user: str, password: str, pem: str) -> None:
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service("0")
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(PIPELINE.format(path=path))
    auth = GstRtspServer.RTSPAuth()
    auth.set_supported_methods(2)  # Digest
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "viewer")
    auth.add_digest(user, password, token)
    if pem:
        auth.set_tls_certificate(Gio.TlsCertificate.new_from_file(pem))
    server.set_auth(auth)
    permissions = GstRtspServer.RTSPPermissions()
    permissions.add_permission_for_role("viewer", "media.factory.access", True)
    permissions.add_permission_for_role("viewer", "media.factory.construct", True)
    factory.set_permissions(permissions)
    server.get_mount_points().add_factory("/cam", factory)
    server.attach(None)
    print(server.get_bound_port(), flush=True)
    GLib.MainLoop().run()


main(*sys.argv[1:])
