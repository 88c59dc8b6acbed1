"""Access units and streams; H.264, H.265, AAC, Opus and G.711 bitstreams; fragmented MP4."""
