"""The camera: source, encoder, hub, snapshot."""
