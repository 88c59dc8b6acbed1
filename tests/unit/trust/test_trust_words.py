"""Fingerprints in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camward.trust.words import CONSONANTS, VOWELS, fingerprint_hex, fingerprint_words, words_match


@pytest.mark.parametrize(
    ("address", "word"),
    # The examples of the proposal itself (IPv4 addresses).
    [("7f000001", "lusab-babad"), ("3f54dcc1", "gutih-tugad"), ("3f760723", "gutuk-bisog")],
)
def test_words_are_proquints(address, word):
    assert fingerprint_words(bytes.fromhex(address) + bytes(28)).startswith(word)


@given(st.binary(min_size=12, max_size=32))
def test_words_give_back_the_first_96_bits(digest):
    bits = 0
    for letter in fingerprint_words(digest).replace("-", ""):
        if letter in CONSONANTS:
            bits = bits << 4 | CONSONANTS.index(letter)
        else:
            bits = bits << 2 | VOWELS.index(letter)
    assert bits.to_bytes(12) == digest[:12]


def test_typed_words_may_differ_in_form_but_not_in_letters():
    digest = bytes(range(32))
    words = fingerprint_words(digest)
    assert words_match(words.upper().replace("-", ", "), digest)
    assert not words_match(words[:-1] + "z", digest)
    assert not words_match("", digest)


def test_too_short_a_digest_is_refused():
    with pytest.raises(ValueError, match="12 bytes"):
        fingerprint_words(b"short")


def test_hex_is_as_browsers_show_it():
    assert fingerprint_hex(b"\x0a\xff") == "0A:FF"
