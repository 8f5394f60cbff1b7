"""How a filter's room is shared: a part of it is each namespace's own, the rest is for whoever comes first.

Without that, whatever visitors may spend without any trouble would fill the room of what they cannot: the passes that sites
verify, and the other protocols' answers.
"""

from dataclasses import dataclass
from typing import Self

from captcha_stateless.errors import Unavailable

#: So many namespaces have room of their own; that is more than there are protocols.
LANES = 12

#: A namespace's own room is this part of the whole, so that one alone may fill 21 of 32 parts.
_PARTS = 32


@dataclass(frozen=True, slots=True)
class Shares:
    """How many marks of a bucket are each namespace's ``own``, and how many are ``common`` to all."""

    own: int
    common: int

    @classmethod
    def of(cls, capacity: int) -> Self:
        """Share the room of one bucket."""
        own = capacity // _PARTS
        return cls(own, capacity - LANES * own)

    @property
    def most(self) -> int:
        """The most marks that one namespace may leave in a bucket."""
        return self.own + self.common

    def left(self, taken: int, common: int) -> int:
        """Tell how many more marks a namespace may leave.

        Args:
            taken: the marks that it has left.
            common: the marks that all have left beyond their own room.
        """
        return max(0, self.own - taken) + max(0, self.common - common)

    def charged(self, taken: int, more: int) -> int:
        """Tell how many of ``more`` marks lie beyond the room that is the namespace's own."""
        return max(0, taken + more - max(taken, self.own))


def lane(namespace: str) -> str:
    """Name whose room a namespace uses: what is marked beside a protocol's answers counts as them."""
    return namespace.partition("/")[0]


def full(bucket_seconds: int) -> Unavailable:
    """Word that a namespace has no room left until the next bucket."""
    return Unavailable("the replay filter is full", retry_after_seconds=bucket_seconds)
