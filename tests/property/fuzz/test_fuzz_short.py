"""Each fuzz target for a moment: its whole corpus, and seeded mutations of it. The long form is `make fuzz`."""

from __future__ import annotations

import importlib.util
import random
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

FUZZ = Path(__file__).parents[3] / "fuzz"
TARGETS = sorted(path.stem for path in FUZZ.glob("*.py"))
ROUNDS = 400


def entry(name: str) -> Callable[[bytes], None]:
    spec = importlib.util.spec_from_file_location(f"fuzz_{name}", FUZZ / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)  # annotations are looked up there
    spec.loader.exec_module(module)
    return module.TestOneInput


def mutated(seed: bytes, dice: random.Random) -> bytes:
    """Flip, cut, repeat, insert: what a fuzzer does first."""
    data = bytearray(seed)
    for _ in range(dice.randint(1, 6)):
        at = dice.randint(0, len(data))
        match dice.randint(0, 4):
            case 0 if data:
                data[at % len(data)] ^= 1 << dice.randint(0, 7)
            case 1:
                del data[at : at + dice.randint(1, 16)]
            case 2:
                data[at:at] = dice.randbytes(dice.randint(1, 8))
            case 3:
                data[at:at] = data[at : at + dice.randint(1, 64)]
            case _:
                data[at : at + 4] = dice.choice((b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"\x7f\xff\xff\xff"))
    return bytes(data)


@pytest.mark.parametrize("name", TARGETS)
def test_a_result_or_its_own_error_and_nothing_else(name: str) -> None:
    one = entry(name)
    seeds = [path.read_bytes() for path in sorted((FUZZ / "corpus" / name).iterdir())]
    assert seeds, f"fuzz/corpus/{name} is empty"
    for seed in (b"", *seeds):
        one(seed)
    dice = random.Random(name)
    for number in range(ROUNDS):
        one(mutated(seeds[number % len(seeds)], dice))
