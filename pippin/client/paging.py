"""Walks through a list that the service hands out page by page."""

from collections.abc import Callable
from typing import Generic, TypeVar

from pippin.api.pages import Page
from pippin.client.calls import Call, warn_of_unreadable

T = TypeVar("T")

_PAGE_SIZE = 100


class Pages(Generic[T]):
    """Knows which page is next, and how much of it is wanted.

    Args:
        page: Makes the call for the page after a cursor (None for the first), of at most that many entries.
        limit: How many entries are wanted in all; None for every one.
    """

    def __init__(self, page: Callable[[str | None, int], Call[Page[T]]], limit: int | None) -> None:
        self._page = page
        self._left = limit
        self._cursor: str | None = None
        self._over = limit == 0

    def next_call(self) -> Call[Page[T]] | None:
        """The call for the next page; None when there is none, or enough has been taken."""
        size = _PAGE_SIZE if self._left is None else min(self._left, _PAGE_SIZE)
        return None if self._over else self._page(self._cursor, size)

    def take(self, page: Page[T]) -> list[T]:
        """The wanted entries of the page that arrived."""
        warn_of_unreadable(page.unreadable)
        wanted = page.data[: self._left]
        if self._left is not None:
            self._left -= len(wanted)
        self._cursor = page.next
        self._over = self._left == 0 or not page.has_more or page.next is None
        return wanted
