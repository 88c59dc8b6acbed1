"""Benchmarks: side by side with named peers in the same session, reported as ratios."""
