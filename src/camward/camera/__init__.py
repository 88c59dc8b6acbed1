"""The camera's media: sources, the worker process, encoding, overlay, privacy zones, snapshots, the two hubs.

Kept empty on purpose: the worker is started as `python -m camward.camera.worker` and must start fast.
The rest of the program imports `camward.camera.media.CameraMedia` and `camward.camera.settings.MediaSettings`.
"""
