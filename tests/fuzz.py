"""``make fuzz``: schemathesis calls everything that /openapi.json describes, and compares the answers with it.

Before that, the tests of the compiled part are run over a copy of the package that is compiled with sanitizers: no byte may
be read or written that is not there, and nothing done that C does not define.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from captcha_stateless.testing import CaptchaServer

#: No fault of ours, and no answer that is not described. (What siteverify refuses it answers with 200, on purpose, so that
#: schemathesis' expectations of 4xx are left out.)
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "allow_header_conformance",
)
EXAMPLES = 50


ROOT = Path(__file__).parent.parent
SANITIZERS = "-g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all"
#: Python's own blocks that live until it ends are no leaks.
SANITIZED = {"ASAN_OPTIONS": "detect_leaks=0", "PYTHONMALLOC": "malloc", "CAPTCHA_TEST_REQUIRE_ALL": "1"}
#: Whether every pixel is numpy's is asked elsewhere, and takes long under sanitizers.
SELECTED = "not pixel"


def sanitize() -> int:
    """Compile with AddressSanitizer and UndefinedBehaviorSanitizer, and run the tests of what was compiled."""
    with tempfile.TemporaryDirectory() as folder:
        for part in ("captcha_stateless", "tests/render"):
            ignored = shutil.ignore_patterns("*.so", "__pycache__")
            shutil.copytree(ROOT / part, Path(folder) / part, ignore=ignored)
        for part in ("pyproject.toml", "tests/__init__.py", "tests/needs.py"):
            shutil.copy(ROOT / part, Path(folder) / part)
        source = Path(folder) / "captcha_stateless/render/_fused.c"
        command = ["cc", *SANITIZERS.split(), "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
        include = f"-I{sysconfig.get_paths()['include']}"
        subprocess.run(
            [*command, "-DPy_LIMITED_API=0x030b0000", include, source, "-o", source.with_suffix(".abi3.so")],
            check=True,
        )
        libraries = [
            subprocess.run(
                ["cc", f"-print-file-name={name}"], check=True, capture_output=True, text=True
            ).stdout.strip()
            for name in ("libasan.so", "libubsan.so")
        ]
        environ = {**os.environ, **SANITIZED, "LD_PRELOAD": " ".join(libraries), "PYTHONPATH": folder}
        tests = ["tests/render/test_fused.py", "tests/render/test_bed.py", "-k", SELECTED]
        pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--timeout", "600"]
        return subprocess.run([*pytest, *tests], cwd=folder, env=environ, check=False).returncode


def main(options: list[str]) -> int:
    """Try the compiled part, and then the server: further options are schemathesis' own."""
    return sanitize() or call(options)


def call(options: list[str]) -> int:
    """Run a server and schemathesis over it; further options are schemathesis' own."""
    with CaptchaServer() as server:
        command = [
            str(Path(sys.executable).with_name("schemathesis")),
            "run",
            f"{server.url}/openapi.json",
            *("--checks", ",".join(CHECKS), "--max-examples", str(EXAMPLES), "--warnings", "off"),
            *options,
        ]
        return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
