"""The page that measures readers and listeners: what they answer is judged, written down and summed up."""

import importlib.util
import json
import sys
import threading
import urllib.request
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.needs import program

PAGE = Path(__file__).parent.parent / "benchmarks" / "read.py"


@pytest.fixture(scope="module")
def read() -> Iterator[ModuleType]:
    """Load the script, as nothing that is installed."""
    spec = importlib.util.spec_from_file_location("read_page", PAGE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture(scope="module")
def sitting(read: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, str]]:
    program("espeak-ng")
    reading = read.Reading(tmp_path_factory.mktemp("read") / "read.csv", 96)
    server = ThreadingHTTPServer(("127.0.0.1", 0), read.handler(reading))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield reading, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def fetched(url: str, document: object = None) -> bytes:
    body = None if document is None else json.dumps(document).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data=body), timeout=30) as reply:
        return bytes(reply.read())


@pytest.mark.parametrize(("door", "kind"), [("text", "image/png"), ("sound", "audio/wav")])
def test_what_is_typed_is_judged_and_summed_up(
    read: ModuleType, sitting: tuple[Any, str], door: str, kind: str
) -> None:
    reading, base = sitting
    before = len(read.summary(reading._output))

    assert b"Type what you read or hear" in fetched(f"{base}/{door}")
    for right in (True, False):
        asked = json.loads(fetched(f"{base}/{door}/next"))
        assert asked["url"].startswith(f"data:{kind};base64,")
        answer = reading._asked[asked["id"]][1].lower() if right else "wrong"
        fetched(f"{base}/answer", {"id": asked["id"], "answer": answer, "ms": 1_000})
    told = read.summary(reading._output)

    assert len(told) > before
    assert sum(int(line.partition(": ")[2].split()[0]) for line in told if line.startswith(door)) == 1


def test_the_bounds_are_wilson_s(read: ModuleType) -> None:
    """Against a textbook's: 8 of 10 are 49% to 94%."""
    low, high = read.wilson(8, 10)

    assert (round(low, 2), round(high, 2)) == (0.49, 0.94)
