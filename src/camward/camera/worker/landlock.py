"""Landlock (Linux 5.13 and later): the kernel keeps the worker from every file and every TCP port but those it needs.

The device's keys and journal lie in files of the same user; without this, a decoder's bug could read them.
"""

from __future__ import annotations

import ctypes
import errno
import os
import ssl
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

import camward

# linux/landlock.h; the numbers of the system calls are the same on all architectures
_CREATE, _ADD_RULE, _RESTRICT = 444, 445, 446
_VERSION_FLAG, _PATH_BENEATH = 1, 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_FIRST_ALL, _REFER, _TRUNCATE, _IOCTL_DEV = (1 << 13) - 1, 1 << 13, 1 << 14, 1 << 15
_BIND_TCP, _CONNECT_TCP = 1 << 0, 1 << 1
_SCOPE_ABSTRACT_SOCKET, _SCOPE_SIGNAL = 1 << 0, 1 << 1
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
_READ, _DEVICE = _READ_FILE | _READ_DIR, _READ_FILE | _WRITE_FILE | _READ_DIR | _IOCTL_DEV

_NAMES = ("resolv.conf", "hosts", "host.conf", "gai.conf", "nsswitch.conf", "ssl", "pki", "ca-certificates")


def landlock_version() -> int:
    """The version that the kernel offers; 0: none."""
    return max(0, _call(_CREATE, None, 0, _VERSION_FLAG))


def confine_to(source: str) -> bool:
    """Keep this thread, and all that it starts, from everything that this source does not need.

    Args:
        source: as in `SourceOrder.url`.

    Returns:
        Whether the kernel does it; an old one does not, and that is told in the camera's status.

    Raises:
        OSError: the kernel knows how and refused.
    """
    version = landlock_version()
    if version == 0:
        return False
    scheme, _, place = source.partition(":")
    files = _FIRST_ALL | (_REFER if version >= 2 else 0) | (_TRUNCATE if version >= 3 else 0)
    files |= _IOCTL_DEV if version >= 5 else 0
    ports = _BIND_TCP | (0 if scheme in ("rtsp", "rtsps") else _CONNECT_TCP)
    attributes = struct.pack("=QQQ", files, ports, _SCOPE_ABSTRACT_SOCKET | _SCOPE_SIGNAL)
    attributes = attributes[: 8 if version < 4 else 16 if version < 6 else 24]
    rules = _checked(_call(_CREATE, attributes, len(attributes), 0))
    try:
        for path in _readable(scheme, place):
            _allow(rules, path, _READ & files)
        if scheme == "v4l2":
            # The whole folder: a device that was unplugged comes back as a new file.
            _allow(rules, Path("/dev"), _DEVICE & files)
        _checked(_call(_RESTRICT, rules, 0))
    finally:
        os.close(rules)
    return True


def _readable(scheme: str, place: str) -> Iterable[Path]:
    """Python, our code and the system's libraries; and what the source is made of."""
    yield from map(Path, {sys.prefix, sys.base_prefix, "/usr", "/lib", "/lib64", "/etc/ld.so.cache"})
    yield Path(camward.__file__).parent
    yield from map(Path, ("/sys/devices/system/cpu", "/dev/urandom", "/dev/null", "/etc/localtime"))
    if scheme == "file":
        # The folder: a file that is replaced is another file.
        yield Path(place).parent
        yield Path(place).resolve().parent
    elif scheme in ("rtsp", "rtsps"):
        yield from (Path("/etc") / name for name in _NAMES)
        roots = ssl.get_default_verify_paths()
        yield from (Path(path) for path in (roots.cafile, roots.capath) if path)


def _allow(rules: int, path: Path, access: int) -> None:
    try:
        beneath = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what is not there needs no rule
    try:
        if not path.is_dir():
            access &= _OF_FILES
        _checked(_call(_ADD_RULE, rules, _PATH_BENEATH, struct.pack("=Qi", access, beneath), 0))
    finally:
        os.close(beneath)


def _call(number: int, *arguments: int | bytes | None) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    words = [ctypes.c_long(one) if isinstance(one, int) else ctypes.c_char_p(one) for one in arguments]
    result: int = libc.syscall(ctypes.c_long(number), *words)
    return result


def _checked(result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"Landlock was refused: {errno.errorcode.get(code, code)}")
    return result
