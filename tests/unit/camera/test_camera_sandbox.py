"""What a worker that was taken over can't do. Each try is a process of its own, confined as the worker is."""

import subprocess
import sys
import textwrap

import pytest

from camward.camera.worker.landlock import landlock_version


def confined(source: str, code: str) -> str:
    """What the code prints after the worker's own steps."""
    script = f"""
    import os, socket, subprocess, sys
    from camward.camera.worker import landlock, sandbox
    sandbox.die_with_parent(os.getppid())
    sandbox.confine()
    print(landlock.confine_to({source!r}))
    def tried(action):
        try:
            action()
        except OSError as error:
            print(type(error).__name__)
        else:
            print("done")
    """
    whole = textwrap.dedent(script) + textwrap.dedent(code)
    done = subprocess.run([sys.executable, "-I", "-c", whole], capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.fixture
def place(tmp_path):
    (tmp_path / "media").mkdir()
    (tmp_path / "secrets").mkdir()
    (tmp_path / "media" / "clip.mp4").write_bytes(b"clip")
    (tmp_path / "secrets" / "key.pem").write_bytes(b"key")
    return tmp_path


def test_keys_other_programs_and_the_network_are_out_of_reach(place):
    port = 1  # nobody listens: refused by the network, unless the kernel forbids it first
    code = f"""
    tried(lambda: open({str(place / "media" / "clip.mp4")!r}).read())
    tried(lambda: open({str(place / "secrets" / "key.pem")!r}).read())
    tried(lambda: os.listdir({str(place)!r}))
    tried(lambda: subprocess.run(["/bin/true"]))
    tried(lambda: socket.create_connection(("127.0.0.1", {port})))
    tried(lambda: open("/etc/passwd"))
    tried(lambda: os.kill(os.getppid(), 0))
    import camward.camera.worker.upstream_source, camward.camera.worker.scene
    print("imported")
    """
    seen = confined(f"file:{place / 'media' / 'clip.mp4'}", code)
    version = landlock_version()
    if version == 0:
        assert seen[:2] == ["False", "done"]
        return
    assert seen[:5] == ["True", "done", "PermissionError", "PermissionError", "PermissionError"]
    assert seen[5] == ("PermissionError" if version >= 4 else "ConnectionRefusedError")
    assert seen[6] == "PermissionError"
    assert seen[7] == ("PermissionError" if version >= 6 else "done")
    assert seen[8] == "imported"


def test_a_file_that_is_replaced_can_still_be_read(place):
    path = place / "media" / "clip.mp4"
    code = f"""
    print("ready", flush=True)
    sys.stdin.readline()
    tried(lambda: open({str(path)!r}).read())
    """
    script = textwrap.dedent(
        f"""
        import sys
        from camward.camera.worker import landlock
        landlock.confine_to("file:{path}")
        def tried(action):
            action()
            print("done")
        """
    ) + textwrap.dedent(code)
    command = [sys.executable, "-I", "-c", script]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout.readline() == "ready\n"
        (place / "media" / "new").write_bytes(b"new")
        (place / "media" / "new").replace(path)
        out, _ = worker.communicate("\n", timeout=20)
    assert out == "done\n"


def test_an_existing_camera_can_be_connected_to(place):
    code = """
    tried(lambda: socket.create_connection(("127.0.0.1", 1)))
    tried(lambda: socket.getaddrinfo("localhost", 554))
    tried(lambda: socket.create_server(("127.0.0.1", 0)))
    """
    seen = confined("rtsp://camera/1", code)
    assert seen[1:3] == ["ConnectionRefusedError", "done"]
    assert seen[3] == ("PermissionError" if landlock_version() >= 4 else "done")


def test_nothing_is_written_and_nothing_is_dumped(place):
    code = f"""
    import resource
    tried(lambda: open({str(place / "media" / "new")!r}, "wb").write(b"x"))
    print(resource.getrlimit(resource.RLIMIT_CORE)[1], resource.getrlimit(resource.RLIMIT_FSIZE)[1])
    print(open("/proc/self/status").read().split("NoNewPrivs:")[1].split()[0] if {landlock_version() == 0} else 1)
    """
    seen = confined("test:", code)
    assert seen[1:] == ["PermissionError" if landlock_version() else "OSError", "0", "0", "1"]
