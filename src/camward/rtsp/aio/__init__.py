"""The asyncio shells around `rtsp.core`: server and client."""
