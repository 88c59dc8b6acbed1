"""A fingerprint in words that can be read aloud over a telephone.

Proquints (D. Wilkerson, "A Proposal for Proquints", arXiv:0901.4016): 16 bits make a word of five letters,
consonant-vowel-consonant-vowel-consonant, high bits first, from 16 consonants and 4 vowels. Six words are 96 bits of
a SHA-256: as hard to imitate as anything in reach, and no word list to carry or to translate.
"""

from __future__ import annotations

CONSONANTS = "bdfghjklmnprstvz"
VOWELS = "aiou"
WORDS = 6


def fingerprint_words(sha256: bytes) -> str:
    """The first 96 bits of a digest as six words, e.g. "lusab-babad-gutih-tugad-mudof-sakat".

    Raises:
        ValueError: fewer than 12 bytes.
    """
    if len(sha256) < 2 * WORDS:
        raise ValueError("a fingerprint has at least 12 bytes")
    return "-".join(_word(int.from_bytes(sha256[at : at + 2])) for at in range(0, 2 * WORDS, 2))


def words_match(typed: str, sha256: bytes) -> bool:
    """Whether typed words are a digest's; spaces, commas and capitals don't matter."""
    return "-".join(typed.lower().replace(",", " ").replace("-", " ").split()) == fingerprint_words(sha256)


def fingerprint_hex(sha256: bytes) -> str:
    """A digest as browsers show it: capital pairs with colons."""
    return sha256.hex(":").upper()


def _word(bits: int) -> str:
    return (
        CONSONANTS[bits >> 12]
        + VOWELS[bits >> 10 & 3]
        + CONSONANTS[bits >> 6 & 15]
        + VOWELS[bits >> 4 & 3]
        + CONSONANTS[bits & 15]
    )
