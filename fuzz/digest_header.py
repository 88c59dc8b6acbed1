"""Fuzz target: any text as a challenge or an answer gives a result or a `DigestError`, and a result answers right."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

from camward.access.digest_client import NonceCounter, answer_challenge
from camward.access.digest_header import parse_answer, parse_challenges
from camward.access.errors import DigestError
from camward.base.secret import Secret

PASSWORD = Secret("secret")


def TestOneInput(data: bytes) -> None:  # noqa: N802 (the name that the fuzzer calls)
    """One input, as both kinds of field."""
    field = data.decode("utf-8", "surrogateescape")
    with contextlib.suppress(DigestError):
        parse_answer(field)
    try:
        parse_challenges(field)
        answer = answer_challenge(
            [field],
            method="GET",
            uri="/x",
            username="user",
            password=PASSWORD,
            counter=NonceCounter(),
            allow_basic=True,
        )
    except DigestError:
        return
    assert "\r" not in answer and "\n" not in answer
    assert PASSWORD.reveal() not in answer
    if answer.startswith("Digest "):
        parsed = parse_answer(answer)
        assert parsed.uri == "/x" and parsed.response


TestOneInput.__test__ = False  # type: ignore[attr-defined]  # not a pytest test

if __name__ == "__main__":
    import atheris

    corpus = Path(__file__).parent / "corpus" / "digest_header"
    atheris.instrument_all()
    atheris.Setup([*sys.argv, str(corpus)], TestOneInput)
    atheris.Fuzz()
