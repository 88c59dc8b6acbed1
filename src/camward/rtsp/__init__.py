"""RTSP: core (no I/O) and aio (asyncio shells)."""
