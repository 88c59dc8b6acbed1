"""Whatever bytes a settings file holds, and whatever keys it has, reading and editing keep their word."""

import importlib.util
import sys
import tomllib
from pathlib import Path

import hypothesis.strategies as st
from hypothesis import given, settings

from camward.base.settings_edit import dump_tree, edit_text
from camward.base.settings_file import line_of

FUZZ = Path(__file__).parents[3] / "fuzz" / "settings_file.py"
spec = importlib.util.spec_from_file_location("fuzz_settings_file", FUZZ)
target = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = target  # its models look their names up there
spec.loader.exec_module(target)
SEEDS = [path.read_bytes() for path in sorted((FUZZ.parent / "corpus" / "settings_file").iterdir())]

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
value = st.recursive(
    st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=6,
)
scalar = st.booleans() | st.integers(-(2**53), 2**53) | text | st.lists(value, max_size=3)
name = st.text("abc_-", min_size=1, max_size=3)
trees = st.recursive(scalar, lambda inner: st.dictionaries(name, inner, max_size=3), max_leaves=8).filter(
    lambda tree: isinstance(tree, dict)
)


@given(st.binary(max_size=200))
def test_any_bytes(data):
    target.TestOneInput(data)


@given(st.sampled_from(SEEDS), st.integers(0, 100), st.binary(max_size=4), st.integers(0, 8))
def test_seeds_with_a_piece_replaced(seed, at, piece, cut):
    target.TestOneInput(seed[:at] + piece + seed[at + cut :])


@given(trees)
def test_a_tree_written_is_the_tree_read(tree):
    assert tomllib.loads(dump_tree(tree)) == tree


@settings(max_examples=150)
@given(trees, name, name, scalar | st.none())
def test_an_edit_changes_its_key_and_nothing_else(tree, section, key, new):
    if not isinstance(tree.get(section, {}), dict):
        return
    before = dump_tree(tree)
    after = tomllib.loads(edit_text(before, {f"{section}.{key}": new}))
    expected = tomllib.loads(before)
    if new is not None:
        expected.setdefault(section, {})[key] = new
    elif section in expected:
        expected[section].pop(key, None)
    assert after == expected


@given(
    st.lists(
        st.sampled_from(["# c", "", "[s]", "[t.u]", 'x = """', '"""', "y = [", "]", "1,", "z = 1", "w.v = 2"]),
        max_size=12,
    )
)
def test_a_line_that_is_found_begins_the_value(lines):
    source = "\n".join(lines)
    try:
        tree = tomllib.loads(source)
    except ValueError:
        return

    def check(node, path):
        for key, inner in node.items():
            line = line_of(source, (*path, key))
            assert 1 <= line <= len(lines)
            if not isinstance(inner, dict):
                assert lines[line - 1].startswith((f"{key} =", f"w.{key} ="))
                assert key not in str(tomllib.loads("\n".join(lines[: line - 1]))) or path != ()
            else:
                check(inner, (*path, key))

    check(tree, ())
