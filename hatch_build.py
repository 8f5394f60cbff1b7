"""The build hook: compiles the optional part of drawing where there is a compiler, and leaves it out where there is none.

``CAPTCHA_PURE_PYTHON=1`` leaves it out, too. Without it a wheel is for every platform, with it for this one.
"""

import contextlib
import os
import shutil
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from setuptools import Distribution, Extension
from setuptools.command.build_ext import build_ext

NAME = "captcha_stateless.render._fused"
SOURCE = "captcha_stateless/render/_fused.c"
#: The stable interface of Python 3.11, the oldest that has buffers in it: one file for that and all later versions.
ABI, TAG = "0x030b0000", "cp311-abi3"


class FusedHook(BuildHookInterface[Any]):
    """Adds the compiled module to a wheel, or to the tree of an editable install."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and say which file came of it and whom the wheel is for."""
        for stale in (Path(self.root) / SOURCE).parent.glob("_fused*.so"):
            stale.unlink()
        module = None if os.environ.get("CAPTCHA_PURE_PYTHON") else compiled(Path(self.root))
        if module is None:
            self.app.display_warning(
                "Drawing is not compiled: numpy does it, in about one and a half times the time."
            )
            return
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["artifacts"].append(module.relative_to(self.root).as_posix())
        build_data.update(pure_python=False, tag=f"{TAG}-{platform}")


def compiled(root: Path) -> Path | None:
    """Compile the module into the package's folder; None where that cannot be done."""
    flags = [] if os.name == "nt" else ["-O3", *os.environ.get("CAPTCHA_FUSED_FLAGS", "").split()]
    extension = Extension(
        NAME,
        [SOURCE],
        define_macros=[("Py_LIMITED_API", ABI)],
        extra_compile_args=flags,
        extra_link_args=flags,
        py_limited_api=True,
        optional=True,
    )
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(root):
        command = build_ext(Distribution({"name": "fused", "ext_modules": [extension]}))
        command.build_lib = command.build_temp = folder
        command.ensure_finalized()
        command.run()
        made = Path(command.get_ext_fullpath(NAME))
        return Path(shutil.copy(made, (root / SOURCE).parent)) if made.exists() else None
