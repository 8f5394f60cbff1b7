"""Programs and rights that some tests need: without them a test is skipped, or fails in CI."""

import importlib
import importlib.util
import os
import shutil
from types import ModuleType

import pytest


def need(present: object, what: str) -> None:
    """Skip the test where ``what`` is absent; fail it where CAPTCHA_TEST_REQUIRE_ALL is 1, as in CI."""
    if present:
        return
    if os.environ.get("CAPTCHA_TEST_REQUIRE_ALL") == "1":
        pytest.fail(f"this test needs {what}, and CAPTCHA_TEST_REQUIRE_ALL allows no skips")
    pytest.skip(f"needs {what}")


def program(name: str) -> str:
    """Return the path of a program on this machine, or skip the test."""
    path = shutil.which(name)
    need(path, f"the program {name}")
    return str(path)


def module(name: str) -> ModuleType:
    """Import a module of an optional dependency group, or skip the test."""
    need(importlib.util.find_spec(name.partition(".")[0]), f"the module {name}")
    return importlib.import_module(name)
