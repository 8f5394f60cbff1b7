"""Packages that only some settings need."""

from collections.abc import Iterator
from contextlib import contextmanager

from captcha_stateless.errors import Misconfigured


@contextmanager
def needed(by: str, extra: str) -> Iterator[None]:
    """Import what an extra brings, inside.

    Raises:
        Misconfigured: when it is not installed; the sentence names what needs it, and the extra.
    """
    try:
        yield
    except ImportError:
        raise Misconfigured(f"{by} needs `pip install captcha-stateless[{extra}]`") from None
