"""The wall before a site, by a real nginx, Caddy and HAProxy with the files that are handed out, for one of two sites."""

import html
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from captcha_stateless.tokens.cookie import COOKIE
from tests.edge.walls import EDGES, Behind, behind, wall
from tests.needs import program
from tests.support import solved

#: What Chromium says where somebody follows a link or sends a form, where a page fetches something, and for a picture.
SEEN = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Accept": "text/html,*/*;q=0.8"}
FETCHED = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty", "Accept": "*/*"}
PICTURE = {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image", "Accept": "image/*"}


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    with behind(tmp_path_factory.mktemp("behind")) as deployment:
        yield deployment


@pytest.fixture(params=EDGES, scope="module")
def visitor(
    request: pytest.FixtureRequest, deployment: Behind, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    with (
        wall(request.param, tmp_path_factory.mktemp(request.param), deployment) as url,
        httpx.Client(base_url=url) as client,
    ):
        yield client


def earned(deployment: Behind, site: str = "two") -> str:
    claims = deployment.engine.issue("onecaptcha", "grid", site=site, host="localhost").claims
    return deployment.engine.passes.vouch(solved(claims, claims.iat)).token


def cookie(deployment: Behind, site: str = "two") -> dict[str, str]:
    return {"Cookie": f"{COOKIE}={earned(deployment, site)}"}


def attribute(page: httpx.Response, name: str) -> str:
    found = re.search(f'{name}="([^"]+)"', page.text)
    assert found, page.text
    return html.unescape(found[1])


def test_a_first_visit_ends_on_the_very_page(visitor: httpx.Client, deployment: Behind) -> None:
    """A deep link with a query: the wall, its script's two steps, and back, whichever replica is asked."""
    deep = "/deep/l%C3%AFnk?x=1&y=a%20b"

    page = visitor.get(deep, headers=SEEN)
    cleared = visitor.post(attribute(page, "data-auth"), json={"response": earned(deployment)})
    given = {"Cookie": cleared.headers["set-cookie"].partition(";")[0]}
    back = visitor.get(attribute(page, "data-next"), headers={**SEEN, **given})
    seen = [visitor.get(back.headers["location"], headers={**SEEN, **given}) for _ in range(4)]
    refused = visitor.get(attribute(page, "data-next"), headers=SEEN)

    assert (page.status_code, page.headers["content-type"]) == (401, "text/html; charset=utf-8")
    assert (page.headers["cache-control"], page.headers["x-robots-tag"]) == ("no-store", "noindex, nofollow")
    assert page.headers["retry-after"] == "3600"
    assert cleared.status_code == 204
    assert (back.status_code, back.headers["location"]) == (303, deep)
    assert {reply.text.endswith(f"GET {deep}") for reply in seen} == {True}
    assert (refused.status_code, "data-next" in refused.text) == (401, False)


@pytest.mark.parametrize("headers", [FETCHED, PICTURE, {"User-Agent": "curl/8", "Accept": "*/*"}], ids=str)
def test_what_wants_no_page_gets_a_clean_401(visitor: httpx.Client, headers: dict[str, str]) -> None:
    reply = visitor.get("/pictures/one.png?size=2", headers=headers)

    assert (reply.status_code, reply.headers["content-type"]) == (401, "application/json")
    assert reply.json()["error"] == "Solve a challenge first"
    assert reply.json()["wall"].startswith(str(visitor.base_url.join("/captcha/wall?sitekey=two&return=")))


def test_a_form_is_not_lost_silently(visitor: httpx.Client, deployment: Behind) -> None:
    form, referrer = {"text": "hello"}, f"{visitor.base_url}/form?step=2"

    lost = visitor.post("/send", data=form, headers={**SEEN, "Referer": referrer})
    sent = visitor.post("/send", data=form, headers={**SEEN, **cookie(deployment)})

    assert lost.status_code == 401
    assert "did not arrive" in lost.text
    assert ".1/form?step=2" in dict(httpx.QueryParams(urlsplit(attribute(lost, "data-next")).query))["return"]
    assert (sent.status_code, sent.text) == (200, "POST text=hello")


def test_neither_another_site_s_pass_nor_a_forged_one_clears(
    visitor: httpx.Client, deployment: Behind
) -> None:
    given = (cookie(deployment, "one"), {"Cookie": f"{COOKIE}=x.y.z"})

    assert [visitor.get("/", headers={**FETCHED, **each}).status_code for each in given] == [401, 401]


def test_a_visitor_with_many_header_fields_is_no_fault_of_the_edge(
    visitor: httpx.Client, deployment: Behind
) -> None:
    """nginx makes a 500 of any answer of `/auth` but 401 and 403, and more than 64 fields are 431."""
    many = {f"X-Field-{number}": "x" for number in range(70)}

    replies = [visitor.get("/", headers={**SEEN, **many, **more}) for more in ({}, cookie(deployment))]

    assert [reply.status_code for reply in replies] in ([401, 200], [431, 431])


def test_what_a_visitor_says_of_itself_counts_for_nothing(visitor: httpx.Client) -> None:
    told = {"X-Forwarded-Uri": "/feed", "X-Forwarded-Method": "GET", "X-Original-URI": "/feed"}

    reply = visitor.get("/secret", headers={**SEEN, **told})

    assert ".0/secret" in dict(httpx.QueryParams(urlsplit(attribute(reply, "data-next")).query))["return"]


def test_what_the_wall_needs_is_on_the_site_s_own_host_and_nothing_else(visitor: httpx.Client) -> None:
    files = (
        "widget.js",
        "wall.js",
        "work.js",
        "nojs.css",
        "favicon.svg",
        "widget/dialog.json",
        "widget/de.json",
    )
    got = [
        visitor.get(f"/captcha/{path}").status_code for path in (*files, "widget/help", "nojs?sitekey=two")
    ]
    posted = [
        visitor.post(f"/captcha/{path}", params={"sitekey": "two", "kind": "grid"}).status_code
        for path in ("api/work", "api/challenge")
    ]
    hidden = ("metrics", "readyz", "siteverify", "demo", "api/challenge/x", "")

    assert (got, posted) == ([200] * 9, [200] * 2)
    assert {visitor.get(f"/captcha/{path}").status_code for path in hidden} == {401}


def test_feeds_and_clones_pass_by_their_rules(
    visitor: httpx.Client, deployment: Behind, tmp_path: Path
) -> None:
    git = [
        program("git"),
        "-c",
        "init.defaultBranch=main",
        "-c",
        "user.name=t",
        "-c",
        "user.email=t@localhost",
    ]
    repository = Path(deployment.folder, "some.git")
    if not repository.exists():
        subprocess.run([*git, "init", "-q", "--bare", str(repository)], check=True)
        tree = subprocess.run(
            [*git, "-C", str(repository), "mktree"], input=b"", check=True, capture_output=True
        ).stdout.decode()
        made = [*git, "-C", str(repository), "commit-tree", tree.strip(), "-m", "first"]
        commit = subprocess.run(made, check=True, capture_output=True).stdout.decode()
        subprocess.run(
            [*git, "-C", str(repository), "update-ref", "refs/heads/main", commit.strip()], check=True
        )

    feed = visitor.get("/feed", headers={"User-Agent": "Reader/1", "Accept": "application/atom+xml"})
    address = f"{visitor.base_url}/some.git"
    subprocess.run([*git, "clone", "-q", address, str(tmp_path / "clone")], check=True, timeout=60)

    assert feed.status_code == 200
    assert (tmp_path / "clone" / ".git" / "refs" / "heads" / "main").exists()


@pytest.mark.parametrize("edge", EDGES)
def test_nobody_passes_where_no_replica_answers(edge: str, deployment: Behind, tmp_path: Path) -> None:
    with wall(edge, tmp_path / "edge", deployment, replicas=(1, 1)) as url:
        reply = httpx.get(f"{url}/", headers={**SEEN, **cookie(deployment)})

    assert reply.status_code >= 500
