"""One publisher, many readers. A slow reader loses its own data, never another's, and never blocks the publisher."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)


class Reader(Protocol[T_contra]):
    """Takes items at once, in the publisher's call; must not block or raise."""

    def offer(self, item: T_contra) -> None:
        """Take or drop one item."""
        ...


class FanOut(Generic[T]):
    """Hands each item to each reader, in order, without a copy."""

    def __init__(self) -> None:
        self._readers: tuple[Reader[T], ...] = ()

    def publish(self, item: T) -> None:
        """Offer an item to all present readers."""
        for reader in self._readers:
            reader.offer(item)

    def add(self, reader: Reader[T]) -> None:
        """Start offering items to a reader, from the next one on."""
        self._readers = (*self._readers, reader)

    def remove(self, reader: Reader[T]) -> None:
        """Stop; unknown readers are ignored, so that closing twice is harmless."""
        self._readers = tuple(r for r in self._readers if r is not reader)

    def __len__(self) -> int:
        return len(self._readers)


class BoundedReader(Generic[T]):
    """A bounded queue for an asynchronous consumer.

    When it is full everything in it is dropped (counted in `lost`), and nothing is taken until an item at which
    a consumer can resume (a key picture) comes by.

    Args:
        limit: most cost held, in the unit of `cost` (bytes, say).
        cost: what an item weighs.
        resumable: whether a consumer can start at this item.
        started: whether items are taken from the very first on; else the first is a resumable one.
    """

    def __init__(
        self,
        *,
        limit: int,
        cost: Callable[[T], int],
        resumable: Callable[[T], bool],
        started: bool = False,
    ) -> None:
        self._limit, self._cost, self._resumable = limit, cost, resumable
        self._items: deque[T] = deque()
        self._held = 0
        self._taking = started
        self._wake = asyncio.Event()
        self._closed = False
        self.lost = 0

    def offer(self, item: T) -> None:
        """See `Reader.offer`."""
        if self._closed:
            return
        if not self._taking:
            if not self._resumable(item):
                self.lost += 1
                return
            self._taking = True
        cost = self._cost(item)
        if self._held + cost > self._limit and self._items:
            self.lost += len(self._items)
            self._items.clear()
            self._held = 0
            if not self._resumable(item):
                self._taking = False
                self.lost += 1
                return
        self._items.append(item)
        self._held += cost
        self._wake.set()

    def close(self) -> None:
        """End the iteration after what is held."""
        self._closed = True
        self._wake.set()

    async def get(self) -> T | None:
        """The next item; None after `close()`."""
        while not self._items:
            if self._closed:
                return None
            self._wake.clear()
            await self._wake.wait()
        item = self._items.popleft()
        self._held -= self._cost(item)
        return item

    async def __aiter__(self) -> AsyncIterator[T]:
        while (item := await self.get()) is not None:
            yield item
