"""The API under /api/v1, shared by camera and recorder."""
