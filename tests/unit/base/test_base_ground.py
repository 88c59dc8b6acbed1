"""Clock, errors, files, secrets: small promises that everything else stands on."""

import os
import pickle
import stat

import pytest

from camward.base.clock import NS, ManualClock, SystemClock
from camward.base.errors import CamwardError, ConfigurationError, NotPermittedError, NotReachableError
from camward.base.files import private_folder, write_atomic
from camward.base.secret import Secret
from camward.base.setting import SettingMeta, SettingsSection, meta_of, setting


def test_the_manual_clock_moves_when_told():
    clock = ManualClock(utc=5 * NS, monotonic=1.0)
    clock.advance(1.5)
    assert (clock.utc(), clock.monotonic()) == (6_500_000_000, 2.5)
    clock.set_utc(7)
    assert (clock.utc(), clock.monotonic()) == (7, 2.5)


def test_the_system_clock_counts_nanoseconds_since_1970():
    clock = SystemClock()
    first = clock.monotonic()
    assert 1_700_000_000 * NS < clock.utc() < 9_000_000_000 * NS
    assert clock.monotonic() >= first


def test_an_error_says_what_why_and_what_next_on_one_line():
    error = CamwardError("It broke.", why="no disk", next="add one", code="X-1")
    assert error.diagnostics() == "It broke. no disk. add one."
    assert error.code == "X-1"
    assert [kind.exit_code for kind in (CamwardError, ConfigurationError, NotReachableError, NotPermittedError)] == [
        1,
        3,
        4,
        5,
    ]


def test_an_atomic_write_replaces_sets_the_mode_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"old")
    write_atomic(path, b"new", mode=0o600)
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("failing", ["write", "fsync", "replace", "fchmod"])
def test_a_failed_write_leaves_the_old_file_and_no_rubbish(tmp_path, monkeypatch, failing):
    path = tmp_path / "x"
    path.write_bytes(b"old")

    def fail(*arguments, **keywords):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, failing, fail)
        with pytest.raises(OSError, match="No space"):
            write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_short_writes_are_gone_on_with(tmp_path, monkeypatch):
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: real(fd, bytes(data)[:3]))
    write_atomic(tmp_path / "x", b"0123456789")
    assert (tmp_path / "x").read_bytes() == b"0123456789"


def test_a_private_folder_is_its_owner_s_even_if_it_was_not(tmp_path):
    folder = tmp_path / "a" / "b"
    private_folder(folder)
    folder.chmod(0o755)
    assert stat.S_IMODE(private_folder(folder).stat().st_mode) == 0o700


def test_a_secret_shows_in_no_text():
    secret = Secret("swordfish")
    assert f"{secret} {secret!r} {[secret]}" == "*** *** [***]"
    assert secret.reveal() == "swordfish"
    with pytest.raises(TypeError):
        pickle.dumps(secret)


def test_secrets_compare_by_value():
    assert Secret("a") == Secret("a")
    assert Secret(b"a") != Secret(b"b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1


def test_metadata_is_found_by_field_and_missing_metadata_is_named():
    class Section(SettingsSection):
        good: int = setting(1, SettingMeta("Good"))
        bare: int = 2

    assert meta_of(Section, "good").title == "Good"
    for name in ("bare", "absent"):
        with pytest.raises(KeyError, match=name):
            meta_of(Section, name)
