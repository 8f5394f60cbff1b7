"""``make fuzz``: schemathesis calls everything that /openapi.json describes, and compares the answers with it."""

import subprocess
import sys
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


def main(options: list[str]) -> int:
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
