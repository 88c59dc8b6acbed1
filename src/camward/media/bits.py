"""A bounded reader of bit fields and Exp-Golomb codes (ITU-T H.264 7.2 and 9.1), and the room's one error."""

from __future__ import annotations

from camward.base.errors import ProtocolError


class BitstreamError(ProtocolError):
    """A coded stream breaks its own rules or one of our limits."""

    code = "BITSTREAM"


class BitReader:
    """Reads from the most significant bit on; reading past the end is an error, never a guess."""

    __slots__ = ("_left", "_value")

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._left = len(data) * 8

    @property
    def left(self) -> int:
        """How many bits are still unread."""
        return self._left

    def bits(self, count: int) -> int:
        """`count` bits, unsigned.

        Raises:
            BitstreamError: there are fewer.
        """
        self._left -= count
        if self._left < 0:
            self._left = 0
            raise BitstreamError("The coded header ends too early")
        return (self._value >> self._left) & ((1 << count) - 1)

    def flag(self) -> bool:
        """One bit."""
        return self.bits(1) == 1

    def skip(self, count: int) -> None:
        """Pass over `count` bits."""
        self.bits(count)

    def ue(self, limit: int = 0xFFFFFFFE) -> int:
        """An unsigned Exp-Golomb code, at most `limit`.

        Raises:
            BitstreamError: too large, or the data ends.
        """
        rest = self._value & ((1 << self._left) - 1)
        zeros = self._left - rest.bit_length()
        if rest == 0 or zeros > 32:
            raise BitstreamError("A coded number has no end")
        self._left -= zeros
        value = self.bits(zeros + 1) - 1
        if value > limit:
            raise BitstreamError(f"A coded number is too large: {value}, at most {limit} is allowed here")
        return value

    def se(self) -> int:
        """A signed Exp-Golomb code."""
        code = self.ue()
        return (code + 1) >> 1 if code & 1 else -(code >> 1)
