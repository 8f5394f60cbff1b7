"""What a visitor, or a fault, could do to the edge itself: HAProxy, whose part of the wall is a program."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import pytest

from tests.edge import programs
from tests.edge.walls import Behind, behind, wall

MANY = {f"X-Field-{number}": "x" for number in range(93)}


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    with behind(tmp_path_factory.mktemp("behind")) as deployment:
        yield deployment


def test_no_visitor_ends_haproxy_with_header_fields(deployment: Behind, tmp_path: Path) -> None:
    """HAProxy 2.6 writes beyond its room where a program asks with more fields than a request may have."""
    with wall("haproxy", tmp_path, deployment) as url:
        replies = [httpx.get(url, headers=headers) for headers in (MANY, {})]

    assert [reply.status_code for reply in replies] == [431, 401]


def test_nobody_passes_where_the_program_has_a_fault(
    deployment: Behind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed = programs.placed

    def broken(name: str, places: Mapping[str, str]) -> str:
        return placed(name, places).replace("core.httpclient()", 'error("broken")')

    monkeypatch.setattr(programs, "placed", broken)
    with wall("haproxy", tmp_path, deployment) as url:
        reply = httpx.get(url)

    assert reply.status_code == 503
