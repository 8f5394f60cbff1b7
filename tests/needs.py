"""Programs of the system that a test needs: it skips without them, but fails where everything must be tested."""

import os
import shutil

import pytest


def needs(program: str) -> str:
    """Find a program, or skip the test; under ``CAPTCHA_TEST_REQUIRE_ALL=1`` fail it."""
    path = shutil.which(program)
    if path is None:
        if os.environ.get("CAPTCHA_TEST_REQUIRE_ALL") == "1":
            pytest.fail(f"{program} is not installed")
        pytest.skip(f"{program} is not installed")
    return path
