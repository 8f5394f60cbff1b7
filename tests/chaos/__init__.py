"""Tests under fire: short by default, and full size with CAPTCHA_TEST_CHAOS=1 (``make chaos``)."""

import os

FULL = os.environ.get("CAPTCHA_TEST_CHAOS") == "1"


def size(short: int, full: int) -> int:
    """Return how much of a test to run."""
    return full if FULL else short
