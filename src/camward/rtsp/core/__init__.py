"""RTSP, SDP, RTP and RTCP without I/O: bytes and times in, values and bytes out."""
