"""Passwords are judged by length and by what guessing costs, and the reason is said in words."""

import time

import pytest

from camward.access import judge_password
from camward.base.secret import Secret


@pytest.mark.parametrize(
    ("password", "sentence"),
    [
        ("harbour2026", "One character short of 12, and it is made of words and names that are tried early."),
        ("password1", "3 characters short of 12, and it is among the 1 000 most guessed."),
        ("aaaaaaaaaaaaaaaa", "It repeats itself."),
        ("qwertyuiop[]", "It is a walk over neighbouring keys."),
        ("petra.novak-1x7Gh2", "It contains the user name."),
        ("", "12 characters short of 12."),
        ("x" * 257, "Longer than 256 characters."),
    ],
)
def test_bad_ones_and_why(password, sentence):
    verdict = judge_password(Secret(password), "petra.novak")
    assert not verdict.ok
    assert verdict.sentence == sentence


@pytest.mark.parametrize(
    "password", ["correct horse battery staple", "zażółć gęślą jaźń", "Tr0ub4dor&3xyz", "🐙 kraken 🦑 lantern"]
)
def test_good_ones(password):
    verdict = judge_password(Secret(password), "petra.novak")
    assert verdict.ok and verdict.strength >= 3 and not verdict.sentence


def test_the_name_is_found_in_any_case_and_width():
    assert not judge_password(Secret("xx-PETRA.novak-9Qz"), "Petra.Novak").ok
    assert not judge_password(Secret("\uff30\uff45\uff54\uff52\uff41-lantern-cove"), "petra").ok  # full-width letters


def test_the_name_makes_a_password_weaker_even_in_parts():
    alone = judge_password(Secret("esterhazynovotna"), "")
    named = judge_password(Secret("esterhazynovotna"), "novotna.esterhazy")
    assert named.strength < alone.strength


def test_the_minimum_is_a_setting():
    assert judge_password(Secret("vK3#qz9!Lm"), "x", minimum=8).ok
    assert not judge_password(Secret("vK3#qz9!Lm"), "x").ok


@pytest.mark.parametrize(
    "password", ["@4$5!" * 50, "a1b2" * 64, "0" * 256, "qwerty" * 40, "19840322" * 30, "((((@@@@" * 30]
)
def test_no_password_takes_long_to_judge(password):
    started = time.process_time()
    judge_password(Secret(password), "petra.novak")
    assert time.process_time() - started < 1.0


def test_a_verdict_does_not_hold_the_password():
    assert "lantern" not in repr(judge_password(Secret("lantern"), "petra"))
