"""Paths: whatever a server may take one for is told, and a glob matches what it says, in linear time."""

import posixpath
import time
from functools import cache
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captcha_stateless.wall import paths

PIECES = (
    "/ // admin public ADMIN .. . %2e %2E%2e %2f %5C \\ %252f %252e%252e ;v=1 ; %3b # %23 ? %3f %61dmin %2561dmin %25 % "
    "\xc3\xa9 %C3%A9 a* %00"
)
ODD = st.lists(st.sampled_from(PIECES.split(" ")), max_size=9).map(lambda pieces: "/" + "".join(pieces))


def kept(path: str) -> str:
    """Decode once, but for slashes."""
    parts = (
        path.replace("%2f", "%252f").replace("%2F", "%252F").replace("%5c", "%255c").replace("%5C", "%255C")
    )
    return unquote(parts, "latin-1")


def cleaned(path: str) -> str:
    return "/" + posixpath.normpath("/" + path).lstrip("/")


def bare(path: str) -> str:
    """Leave parameters out, as servlets have them."""
    return "/".join(segment.partition(";")[0] for segment in path.split("/"))


def once(path: str) -> str:
    return unquote(path, "latin-1")


def left(path: str) -> str:
    """Resolve dot segments, and leave doubled slashes alone, as RFC 3986 says."""
    found: list[str] = []
    for segment in path.split("/")[1:]:
        if segment == "..":
            found[-1:] = []
        elif segment != ".":
            found.append(segment)
    return "/" + "/".join(found)


#: How servers and chains of them read a path, each written down by itself.
SERVERS = {
    "WSGI": lambda path: once(path.partition("?")[0]),
    "Go": lambda path: cleaned(once(path)),
    "nginx": lambda path: cleaned(once(path.partition("#")[0])),
    "a servlet container": lambda path: cleaned(once(bare(path))),
    "one that keeps encoded slashes": lambda path: cleaned(kept(path)),
    "Windows": lambda path: cleaned(once(path).replace("\\", "/")),
    "one that decodes twice": lambda path: cleaned(once(once(path))),
    "an edge that resolves, and WSGI behind it": lambda path: once(cleaned(path)),
    "one that leaves doubled slashes": lambda path: left(once(path)),
    "nginx before a servlet container": lambda path: cleaned(
        once(bare(cleaned(once(path.partition("#")[0]))))
    ),
    "an edge that decodes, before one that cuts": lambda path: once(once(path).partition("?")[0]),
}


def shown(path: str) -> str:
    return path.encode("latin-1").lower().decode("latin-1").rstrip("/") or "/"


@pytest.mark.parametrize("server", SERVERS)
@given(path=ODD)
def test_whatever_a_server_takes_a_path_for_is_among_its_readings(server: str, path: str) -> None:
    read = paths.readings(path)

    assert read == () or shown(SERVERS[server](path)) in read


@given(ODD | st.text())
def test_what_is_normal_stays_as_it_is(path: str) -> None:
    once_normal = paths.normal(path)

    assert paths.normal(once_normal) == once_normal
    assert paths.readings(once_normal) == (once_normal,)


@given(ODD | st.text().map(lambda text: f"/{text}"))
def test_what_is_normal_is_one_of_the_readings(path: str) -> None:
    read = paths.readings(path)

    assert read == () or paths.normal(path) in read


@pytest.mark.parametrize(
    ("path", "read"),
    [
        ("", set()),
        ("/", {"/"}),
        ("/Admin/", {"/admin"}),
        ("/a.b/.well-known/x..y", {"/a.b/.well-known/x..y"}),
        ("/caf%C3%A9%20au%20lait", {"/cafÃ© au lait"}),
        ("/admin/%2e%2e/", {"/admin/%2e%2e", "/admin/..", "/"}),
        ("/public/..%2fadmin", {"/public/..%2fadmin", "/public/../admin", "/admin"}),
        ("/api/group%2Fname", {"/api/group%2fname", "/api/group/name"}),
        ("//admin", {"//admin", "/admin"}),
        ("/admin;v=1", {"/admin;v=1", "/admin"}),
        ("/admin#top", {"/admin#top", "/admin"}),
        (r"/a\b", {r"/a\b", "/a/b"}),
    ],
)
def test_a_path_is_read_in_these_ways(path: str, read: set[str]) -> None:
    assert set(paths.readings(path)) == read


def test_a_path_that_could_be_anything_is_read_in_no_way() -> None:
    assert paths.readings("/a;b/..%2f%2e%2e//%252fadmin?x#y\\z/%25252e") == ()
    assert paths.readings("/a//" + "b" * paths.MOST_CHARACTERS) == ()
    assert len(paths.readings("/a/" + "b" * paths.MOST_CHARACTERS)) == 1


@pytest.mark.parametrize(
    "path",
    [
        "/%25" * 250,
        "/;%2f.." * 140,
        "/..%252f;" * 110,
        "%25" * 341,
        "/%2e%2e//\\;a#" * 70,
        "/%2525252f.." * 80,
    ],
)
def test_the_oddest_paths_cost_no_more_than_so_many_plain_ones(path: str) -> None:
    def cost(text: str, times: int) -> float:
        began = time.process_time()
        for _ in range(times):
            paths.readings(text)
        return (time.process_time() - began) / times

    plain = min(cost("/some/path", 2_000) for _ in range(5))

    assert min(cost(path, 5) for _ in range(5)) < 20_000 * plain


@pytest.mark.parametrize(
    ("glob", "matching", "others"),
    [
        ("/admin", ["/admin"], ["/admin/x", "/adm", "/x/admin"]),
        ("/admin/", ["/admin"], ["/admin/x"]),
        ("/admin/**", ["/admin", "/admin/x", "/admin/x/y"], ["/administrator", "/x/admin/y"]),
        ("/**", ["/", "/a", "/a/b"], []),
        ("/*", ["/", "/a"], ["/a/b"]),
        ("/*.css", ["/a.css", "/.css"], ["/a/b.css", "/a.css/x"]),
        ("/**/*.css", ["/a.css", "/x/y/a.css", "/.css"], ["/a.css/x", "/a.cssx"]),
        ("/**/feed", ["/feed", "/x/feed"], ["/xfeed", "/feed/x"]),
        ("/user/*/edit", ["/user/7/edit"], ["/user/edit", "/user/7/8/edit"]),
        ("/a*b*c", ["/abc", "/aXbbYc"], ["/ab", "/acb", "/a/bc"]),
        ("/a/**/b/*/c", ["/a/b/x/c", "/a/y/z/b/b/c", "/a/b/b/b/c"], ["/a/b/c", "/a/b/x/c/d"]),
        ("/**/x/**", ["/x", "/x/y", "/a/x", "/a/x/b"], ["/", "/ax"]),
        ("/é/**", ["/Ã©/x"], ["/e/x"]),
    ],
)
def test_a_glob_matches_these(glob: str, matching: list[str], others: list[str]) -> None:
    match = paths.match([paths.glob(glob)])

    assert [path for path in matching if not match(path)] == []
    assert [path for path in others if match(path)] == []


@cache
def naively(glob: tuple[str, ...], path: tuple[str, ...]) -> bool:
    if not glob:
        return not path
    if glob[0] == "**":
        return naively(glob[1:], path) or (bool(path) and naively(glob, path[1:]))
    return bool(path) and segment(glob[0], path[0]) and naively(glob[1:], path[1:])


@cache
def segment(glob: str, text: str) -> bool:
    if not glob:
        return not text
    if glob[0] == "*":
        return segment(glob[1:], text) or (bool(text) and segment(glob, text[1:]))
    return bool(text) and text[0] == glob[0] and segment(glob[1:], text[1:])


WORDS = st.text("ab", max_size=4)
GLOBS = st.lists(
    st.just("**") | st.text("ab*", min_size=1, max_size=5).filter(lambda text: "**" not in text), min_size=1
)


@given(GLOBS, st.lists(WORDS.filter(bool), max_size=6))
def test_a_glob_matches_what_is_found_by_trying_every_way(glob: list[str], path: list[str]) -> None:
    text = "/" + "/".join(path)

    assert paths.match([paths.glob("/" + "/".join(glob))])(text) is naively(
        tuple(glob), tuple(path or [""][: glob != ["**"]])
    )


@given(st.lists(GLOBS, max_size=4), st.lists(WORDS.filter(bool), min_size=1, max_size=6))
def test_of_several_globs_one_must_match(globs: list[list[str]], path: list[str]) -> None:
    texts = [paths.glob("/" + "/".join(glob)) for glob in globs]

    assert paths.match(texts)("/" + "/".join(path)) is any(
        naively(tuple(glob), tuple(path)) for glob in globs
    )


def test_no_glob_goes_back() -> None:
    match = paths.match(["/**/a*a*a*a*a*b/**/c*d/**/*e*e*e*f/**/x"])

    def cost(length: int) -> float:
        text = "/" + "a" * length + "/aab/cd" * length + "/" + "e" * length
        began = time.process_time()
        assert not match(text)
        return time.process_time() - began

    short, long = (min(cost(length) for _ in range(5)) for length in (500, 2_000))
    assert long < 12 * short


@pytest.mark.parametrize(
    ("glob", "right"),
    [
        ("admin*", "write /admin*"),
        ("*.css", "write /**/*.css"),
        ("**", "write /"),
        ("", "write /"),
        ("/admin**", "write /admin*/**"),
        ("/a?b=c", "write /a"),
        ("/admin//x", "write /admin/x"),
        ("/x/../admin", "write /admin"),
        ("/%61dmin", "write /admin"),
        ("/caf%C3%A9", "write /café"),
        ("/a;b", "write /a"),
        ("/a#b", "write /a"),
    ],
)
def test_a_glob_that_nothing_could_match_is_told_with_the_right_spelling(glob: str, right: str) -> None:
    with pytest.raises(ValueError, match=r"\w") as told:
        paths.glob(glob)

    assert str(told.value).endswith(right)
