"""Composition: the settings trees, the list of long-running parts, the demo."""
