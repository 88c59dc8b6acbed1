"""The device dies at each single step of a change: the next start has the old settings or the new, and runs."""

import os
from pathlib import Path

STEPS = ("write", "fsync", "replace", "open", "close")


def change_and_die(open_store, step: int) -> bool:
    """Change a setting in a child that is gone, without any cleaning up, at system call number `step`, which it does
    not make (of a write, it makes half). Returns whether it finished instead."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    try:
        store = open_store()
        left = step

        def dying(name):
            real = getattr(os, name)

            def call(*arguments, **keywords):
                nonlocal left
                left -= 1
                if left < 0:
                    if name == "write":
                        real(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
                    os._exit(9)
                return real(*arguments, **keywords)

            setattr(os, name, call)

        for name in STEPS:
            dying(name)
        store.set({"picture.text": "new", "network.https.port": 2}, who="ann")
        os._exit(0)
    finally:
        os._exit(8)


def test_a_power_cut_at_every_step(open_store, tmp_path: Path, journalled):
    finished, step, seen = False, 0, set()
    while not finished:
        for file in tmp_path.iterdir():
            file.unlink()
        open_store().set({"picture.text": "old", "network.https.port": 1}, who="ann")
        finished = change_and_die(open_store, step)
        journalled.clear()
        copied = "new" in (tmp_path / "settings.last-good.toml").read_text()
        store = open_store()
        assert store.problem is None
        state = (store.current.picture.text, store.current.network.https.port)
        assert state in {("old", 1), ("new", 2)}
        if state[0] == "new" and not copied:  # the child may not have come to journal it
            assert journalled[0].changes["picture.text"] == ("old", "new")
        assert store.last_good.read_text() == (tmp_path / "settings.toml").read_text()
        assert store.set({"picture.flip": True}, who="ann").picture.flip  # a leftover never stands in the way
        seen.add(state)
        step += 1
    assert len(seen) == 2
    assert step > 10  # two files, each opened, written, flushed, renamed, its folder flushed
