"""Settings: changed as a whole or not at all, never lost, never a dead device."""

import tomllib

import pytest

from camward.base.clock import ManualClock
from camward.base.errors import ConfigurationError
from camward.base.secret import Secret
from camward.base.setting_info import leaf_values
from camward.base.settings_file import SettingsFileError
from camward.base.settings_store import SettingsStore


def test_without_a_file_the_defaults_hold_and_no_file_is_made(open_store, tmp_path, journalled):
    store = open_store()
    assert store.current.network.https.port == 443
    assert store.problem is None
    assert list(tmp_path.iterdir()) == []
    assert journalled == []


def test_a_change_is_kept_journalled_and_told(open_store, journalled):
    store, told = open_store(), []
    store.subscribe(lambda old, new: told.append((old.network.https.port, new.network.https.port)))
    returned = store.set({"network.https.port": 8443, "picture.flip": True}, who="ann")
    assert returned is store.current
    assert told == [(443, 8443)]
    assert journalled[0].who == "ann"
    assert journalled[0].changes == {"network.https.port": (443, 8443), "picture.flip": (False, True)}
    again = open_store()
    assert again.current == store.current
    assert len(journalled) == 1


def test_a_change_to_the_same_value_is_no_change(open_store, journalled):
    store = open_store()
    store.subscribe(lambda old, new: pytest.fail("told of nothing"))
    store.set({"network.https.port": 443}, who="ann")
    assert journalled == []


def test_a_change_is_all_or_nothing(open_store, tmp_path, journalled):
    store = open_store()
    with pytest.raises(SettingsFileError, match="less than or equal to 65535") as caught:
        store.set({"picture.flip": True, "network.https.port": 70000}, who="ann")
    assert caught.value.key == "network.https.port"
    assert caught.value.exit_code == 3
    assert store.current.picture.flip is False
    assert not (tmp_path / "settings.toml").exists()
    assert journalled == []


@pytest.mark.parametrize(
    ("path", "near"),
    [
        ("network.https.prot", "network.https.port"),
        ("network.port", "network.https.port"),
        ("picture.txt", "picture.text"),
    ],
)
def test_an_unknown_setting_names_the_nearest(open_store, path, near):
    with pytest.raises(ConfigurationError) as caught:
        open_store().set({path: 1}, who="ann")
    assert path in caught.value.what
    assert near in caught.value.next


def test_a_section_is_not_a_setting(open_store):
    with pytest.raises(ConfigurationError, match="unknown setting"):
        open_store().set({"network.https": {"port": 1}}, who="ann")


def test_text_is_never_taken_for_a_number_and_a_number_never_for_a_switch(open_store):
    for changes in ({"network.https.port": "8443"}, {"picture.flip": 1}, {"picture.text": 5}):
        with pytest.raises(SettingsFileError):
            open_store().set(changes, who="ann")


def test_a_secret_never_gets_into_the_settings(open_store):
    with pytest.raises(ConfigurationError, match="Secret"):
        open_store().set({"picture.text": Secret("swordfish")}, who="ann")


def test_comments_and_order_survive_a_change(open_store, tmp_path):
    text = '# ours\n[picture]\ntext = "yard" # seen from the road\n\n[network.https]\nport = 8443\n'
    (tmp_path / "settings.toml").write_text(text)
    open_store().set({"picture.text": "gate"}, who="ann")
    assert (tmp_path / "settings.toml").read_text() == text.replace("yard", "gate")


@pytest.mark.parametrize(
    "text",
    ["network.https.port = 8443\nnetwork.hosts = []\n", "[[picture.zones]]\nname = 'x'\n", "picture = {flip = true}\n"],
)
def test_forms_that_can_t_be_edited_in_place_lose_no_value(open_store, tmp_path, text):
    (tmp_path / "settings.toml").write_text(text)
    store = open_store()
    expected = leaf_values(store.current) | {"picture.text": "new", "network.https.connection": "http"}
    store.set({"picture.text": "new", "network.https.connection": "http"}, who="ann")
    assert leaf_values(open_store().current) == expected


def test_none_takes_a_key_out_and_the_default_holds_again(open_store, tmp_path):
    store = open_store()
    store.set({"network.https.port": 8443, "picture.gain": 0.5}, who="ann")
    store.set({"network.https.port": None, "picture.gain": None}, who="ann")
    assert store.current.network.https.port == 443
    assert store.current.picture.gain is None
    assert "port" not in (tmp_path / "settings.toml").read_text()


def test_lists_of_tables_go_in_and_come_back(open_store):
    zones = [{"name": 'door "A"\n', "width": 3}, {"name": "ü\x7f"}]
    open_store().set({"picture.zones": zones, "network.hosts": ("a", "b")}, who="ann")
    store = open_store()
    assert [zone.model_dump() for zone in store.current.picture.zones] == [zones[0], {**zones[1], "width": 1}]
    assert store.current.network.hosts == ("a", "b")


@pytest.mark.parametrize(
    ("text", "line", "key", "words"),
    [
        ("[network.https]\nprot = 1\n", 2, "network.https.prot", "network.https.port"),
        ("# a\n\n[network.https]\n# b\nport = 0\n", 5, "network.https.port", "greater than or equal to 1"),
        ('[network]\nhosts = [\n "a",\n 5,\n]\n', 2, "network.hosts", "string"),
        ('[network.https]\nconnection = "ftp"\n', 2, "network.https.connection", "'https' or 'http'"),
        ("[network.https]\nport = 1\nport = 2\n", 3, "", "TOML"),
        ("[network.https\nport = 1\n", 1, "", "TOML"),
        ('a = """\n\n', 3, "", "TOML"),
        ("# a\u2028b\n[network.https]\nport = 0\n", 3, "network.https.port", "greater"),
        ("[networc]\n", 1, "networc", '"network"'),
    ],
)
def test_a_broken_file_at_start_names_its_line_and_the_device_runs(open_store, tmp_path, text, line, key, words):
    open_store().set({"picture.text": "kept"}, who="ann")
    (tmp_path / "settings.toml").write_text(text)
    store = open_store()
    assert store.current.picture.text == "kept"
    assert (store.problem.file, store.problem.line, store.problem.key) == ("settings.toml", line, key)
    assert words in store.problem.message
    assert "last good" in store.problem.message


def test_a_broken_file_without_a_last_good_one_means_defaults(open_store, tmp_path):
    (tmp_path / "settings.toml").write_bytes(b"\xff\xfe")
    store = open_store()
    assert store.current.network.https.port == 443
    assert "UTF-8" in store.problem.message
    assert "defaults" in store.problem.message


@pytest.mark.parametrize(
    "make",
    [lambda p: p.mkdir(), lambda p: p.write_bytes(b"a = " + b"[" * 200_000), lambda p: p.write_bytes(b"#" * 300_000)],
)
def test_a_folder_a_deep_one_or_a_huge_file_is_a_problem_too(open_store, tmp_path, make):
    make(tmp_path / "settings.toml")
    assert open_store().problem is not None


def test_a_change_mends_a_broken_file_and_keeps_the_broken_one_aside(open_store, tmp_path):
    open_store().set({"picture.text": "kept"}, who="ann")
    (tmp_path / "settings.toml").write_text("broken = [")
    store = open_store()
    store.set({"network.https.port": 8443}, who="ann")
    assert store.problem is None
    assert open_store().current == store.current
    assert store.current.picture.text == "kept"
    assert (tmp_path / "settings.broken.toml").read_text() == "broken = ["


def test_an_edit_by_hand_is_journalled_at_the_next_start_once(open_store, tmp_path, journalled):
    open_store().set({"picture.text": "a"}, who="ann")
    (tmp_path / "settings.toml").write_text('[picture]\ntext = "b"\n')
    open_store()
    open_store()
    assert [(change.who, dict(change.changes)) for change in journalled[1:]] == [
        ("settings file", {"picture.text": ("a", "b")})
    ]


def test_what_can_t_be_journalled_is_not_changed(open_store, tmp_path, journalled):
    store = open_store()
    store.set({"picture.text": "a"}, who="ann")
    before = (tmp_path / "settings.toml").read_bytes()

    def refuse(change):
        raise OSError(28, "No space left on device")

    store._journal = refuse
    with pytest.raises(OSError, match="No space"):
        store.set({"picture.text": "b"}, who="ann")
    assert (tmp_path / "settings.toml").read_bytes() == before
    assert store.current.picture.text == "a"


def test_a_journal_that_fails_at_start_is_tried_again_at_the_next(open_store, tmp_path, tree, journalled):
    (tmp_path / "settings.toml").write_text("[picture]\nflip = true\n")

    def refuse(change):
        raise OSError(28, "No space left on device")

    store = SettingsStore(tree, tmp_path / "settings.toml", clock=ManualClock(), journal=refuse)
    assert store.current.picture.flip is True
    assert open_store().current.picture.flip is True
    assert len(journalled) == 1


def test_a_deleted_file_means_defaults_and_is_journalled(open_store, tmp_path, journalled):
    open_store().set({"picture.flip": True}, who="ann")
    (tmp_path / "settings.toml").unlink()
    assert open_store().current.picture.flip is False
    open_store()
    assert [change.who for change in journalled] == ["ann", "settings file"]


def test_reload_takes_the_file_up_and_tells(open_store, tmp_path):
    store, told = open_store(), []
    stop = store.subscribe(lambda old, new: told.append(new.picture.flip))
    (tmp_path / "settings.toml").write_text("[picture]\nflip = true\n")
    assert store.reload().picture.flip is True
    store.reload()
    stop()
    store.set({"picture.flip": False}, who="ann")
    assert told == [True]


def test_one_subscriber_s_failure_is_its_own(open_store):
    store, told = open_store(), []
    store.subscribe(lambda old, new: 1 / 0)
    store.subscribe(lambda old, new: told.append(new))
    store.set({"picture.flip": True}, who="ann")
    assert told == [store.current]


def test_export_holds_every_setting_and_can_be_taken_back(open_store, tree):
    store = open_store()
    store.set({"network.https.port": 8443, "picture.zones": [{"name": "x"}]}, who="ann")
    text = store.export()
    assert "# HTTPS port; at least 1, at most 65535\nport = 8443" in text
    assert tomllib.loads(text)["network"]["https"]["connection"] == "https"
    before = store.current
    store.replace("", who="ann")
    assert store.current == tree()
    assert store.replace(text, who="ann") == before
    with pytest.raises(SettingsFileError):
        store.replace("x = 1", who="ann")


def test_describe_tells_pages_all_they_need(open_store):
    store = open_store()
    store.set({"network.https.connection": "http"}, who="ann")
    infos = {info.path: info for info in store.describe()}
    port, connection = infos["network.https.port"], infos["network.https.connection"]
    assert (port.type, port.limits, port.default, port.is_recommended) == ("number", {"ge": 1, "le": 65535}, 443, True)
    assert (connection.type, connection.choices, connection.is_recommended) == ("choice", ("https", "http"), False)
    assert (infos["picture.gain"].type, infos["picture.gain"].optional) == ("decimal", True)
    assert infos["picture.gain"].is_recommended is None
    assert [infos[path].type for path in ("picture.flip", "picture.text", "network.hosts")] == [
        "switch",
        "text",
        "list",
    ]
    assert next(iter(infos)) == "network.https.port"


def test_what_people_type_becomes_the_setting_s_type(open_store):
    infos = {info.path: info for info in open_store().describe()}
    assert infos["network.https.port"].read(" 8443 ") == 8443
    assert infos["picture.flip"].read("On") is True
    assert infos["network.https.connection"].read("HTTP") == "http"
    assert infos["network.hosts"].read("a, b") == ["a", "b"]
    assert infos["picture.zones"].read('[{"name": "x"}]') == [{"name": "x"}]
    assert infos["picture.gain"].read("") is None
    assert infos["picture.text"].read(" x ") == " x "
    for path, text in (
        ("network.https.port", "x"),
        ("picture.flip", "2"),
        ("network.https.connection", "ftp"),
        ("picture.zones", "["),
    ):
        with pytest.raises(ConfigurationError, match=path):
            infos[path].read(text)


def test_the_schema_is_json_and_has_the_metadata(open_store):
    import json

    schema = json.loads(json.dumps(open_store().schema()))
    port = schema["$defs"]["Https"]["properties"]["port"]
    assert (port["maximum"], port["meta"]["recommended"]) == (65535, 443)
