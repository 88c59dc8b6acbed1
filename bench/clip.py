"""The bench clip: real pedestrians at 1080p25, x264 Main, constant 4 Mbit/s, GOP 50, no B frames."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOOTAGE = ROOT / "src" / "camward" / "app" / "footage" / "car-park.mp4"
FOLDER = ROOT / "build" / "bench"


def clip(*, seconds: int = 20) -> Path:
    """The path of the clip; made once with ffmpeg and kept in build/."""
    path = FOLDER / f"cam1080-{seconds}.mp4"
    if path.exists():
        return path
    FOLDER.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new.mp4")
    subprocess.run(
        ["ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", "-y", "-stream_loop", "-1", "-i", str(FOOTAGE)]
        + ["-t", str(seconds), "-vf", "setpts=N/25/TB,scale=1920:1080:flags=bicubic,noise=alls=6:allf=t", "-r", "25"]
        + ["-c:v", "libx264", "-preset", "veryfast", "-profile:v", "main", "-b:v", "4M", "-minrate", "4M"]
        + ["-maxrate", "4M", "-bufsize", "4M", "-pix_fmt", "yuv420p", "-an", "-x264-params"]
        + ["nal-hrd=cbr:keyint=50:min-keyint=50:scenecut=0:bframes=0:repeat-headers=1:slices=1", str(new)],
        check=True,
    )
    new.replace(path)
    return path
