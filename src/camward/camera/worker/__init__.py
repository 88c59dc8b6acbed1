"""The media worker: a process of its own that captures, demuxes, decodes and encodes; holds no keys and may crash."""
