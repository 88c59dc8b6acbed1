"""Too many failures from one address: that address waits, longer each time. An account is never locked for others.

No I/O and no clock. Memory is bounded; when it is full, addresses that need not wait are forgotten first.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class LockoutLimits:
    """When an address waits, and how long.

    Args:
        failures: so many failures ...
        window: ... within so many seconds make an address wait.
        first_wait: seconds of the first wait; each further one is twice as long ...
        longest_wait: ... up to this.
        forget: seconds without a failure after which the waits are short again.
        addresses: remembered at most.
    """

    failures: int = 8
    window: float = 30.0
    first_wait: float = 30.0
    longest_wait: float = 900.0
    forget: float = 3600.0
    addresses: int = 4096


@dataclass(slots=True)
class _Record:
    failures: list[float] = field(default_factory=list)
    waits: int = 0
    until: float = 0.0
    last: float = 0.0


class Lockout:
    """Counts failures by address.

    `attempt` counts a failure in advance, and `succeeded` takes it back, so that tries sent at the same time can't
    be more than those sent one by one. A success forgives no earlier failure: else somebody with an account of
    their own could guess for ever.
    """

    def __init__(self, limits: LockoutLimits = LockoutLimits()) -> None:
        self._limits = limits
        self._records: dict[str, _Record] = {}

    def waiting(self, address: str, now: float) -> float:
        """Seconds that an address still has to wait; 0: it may try."""
        if not self._records:  # nobody has failed lately: no need to take the address apart
            return 0.0
        record = self._records.get(address_key(address))
        return max(0.0, record.until - now) if record else 0.0

    def attempt(self, address: str, now: float) -> float:
        """Begin a try, counted as a failure until `succeeded`. Returns the seconds to wait if it may not even begin."""
        key = address_key(address)
        record = self._records.get(key)
        if record is None:
            self._make_room(now)
            record = self._records[key] = _Record()
        elif record.until > now:
            return record.until - now
        if record.waits and now - record.last > self._limits.forget:
            record.waits = 0
        self._fail(record, now)
        return 0.0

    def succeeded(self, address: str, now: float) -> None:
        """The newest try of this address was no failure."""
        record = self._records.get(address_key(address))
        if record is None:
            return
        if record.failures:
            record.failures.pop()
        elif record.until > now:  # this very try was the last one before the wait
            record.until = now
            record.waits -= 1
            record.failures = [now] * (self._limits.failures - 1)

    def __len__(self) -> int:
        return len(self._records)

    def _fail(self, record: _Record, now: float) -> None:
        limits = self._limits
        record.last = now
        record.failures = [at for at in record.failures if now - at < limits.window] + [now]
        if len(record.failures) >= limits.failures:
            record.failures = []
            record.until = now + min(limits.longest_wait, limits.first_wait * 2.0 ** min(record.waits, 32))
            record.waits += 1

    def _make_room(self, now: float) -> None:
        if len(self._records) < self._limits.addresses:
            return
        limits = self._limits
        self._records = {
            key: record
            for key, record in self._records.items()
            if record.until > now or now - record.last < (limits.forget if record.waits else limits.window)
        }
        if len(self._records) >= limits.addresses:
            by_worth = sorted(self._records, key=lambda key: _worth(self._records[key]))
            # A part at once, so that a flood of addresses does not sort the table each time.
            for key in by_worth[: 1 + limits.addresses // 16]:
                del self._records[key]


def _worth(record: _Record) -> tuple[float, int, float]:
    return record.until, len(record.failures), record.last


def address_key(address: str) -> str:
    """What counts as one address: an IPv4 address, also when written as IPv6, or an IPv6 network of 64 bits, which
    one host can use as it likes. Anything else counts as it is."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.IPv6Address(int(parsed) >> 64 << 64)) + "/64"
    return str(parsed)
