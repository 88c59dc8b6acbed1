"""Camward: a secure video surveillance system, a camera and a recorder."""

__version__ = "0.1.0"
