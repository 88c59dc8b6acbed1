"""The recorder: ingest, segment, store, index, retention, playback, export."""
