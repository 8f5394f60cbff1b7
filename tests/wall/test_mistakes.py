"""Mistakes in rules: what is wrong, or could never match, is told at start, with what to write."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captcha_stateless.errors import Misconfigured
from captcha_stateless.wall.conditions import METHODS, NAMES
from tests.wall.visits import allow, deny, made, visit, weigh


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        ([{}], "action is allow, deny, ask or weigh"),
        ([{"action": "block"}], "action is allow, deny, ask or weigh, not block"),
        ([deny(paths="/a")], "there is no paths: write path"),
        ([{"action": 1}], "action must be a text"),
        ([deny(path=7)], "path must be a text, or a list of texts"),
        ([deny(path=[])], "path names nothing"),
        ([deny(user_agent="")], "user_agent names nothing"),
        ([deny(path="admin/*")], "path admin/* begins with no slash: write /admin/*"),
        ([deny(path="*.php")], "path *.php begins with no slash: write /**/*.php"),
        ([deny(path=["/a", "/b/../c"])], "path /b/../c is never what a path is read as: write /c"),
        ([deny(method="get")], "method get is no method: write GET"),
        ([deny(method="DELET")], "method DELET is no method: write DELETE"),
        ([deny(network="10.0.0.1/8")], "network 10.0.0.1/8 has bits beyond its prefix: write 10.0.0.0/8"),
        ([deny(network="office.txt")], "network office.txt is no address"),
        ([deny(network_file="none.txt")], "cannot read the networks file"),
        ([deny(header="X Token")], "header X Token is no header's name: write X-Token"),
        (
            [deny(country="Germany")],
            "country Germany is no country: write the two letters of ISO 3166, such as DE",
        ),
        ([deny(country="UK")], "country UK is no country of ISO 3166: write GB"),
        ([deny(asn="cloudflare")], "asn cloudflare is no autonomous system: write its number"),
        ([deny(asn=True)], "asn must be a text"),
        ([{"set": "feed"}], "there is no set feed: write feeds"),
        ([allow(policy="strict")], "only a rule that asks has a policy"),
        ([deny(weight=5)], "only a rule that weighs has a weight"),
        ([{"action": "weigh"}], "weight is 1 to 100"),
        ([weigh(0)], "weight is 1 to 100"),
        ([weigh(101)], "weight is 1 to 100"),
        ([{"action": "weigh", "weight": True}], "weight is 1 to 100"),
        ([deny(name="a\nb")], "name is up to 40 letters"),
        ([deny(name="a", path="/a"), deny(name="a", path="/b")], "rule 2: there is a rule a already"),
        ([allow(), deny(path="/a")], "rule 2: it can never match, for the rule rule 1 before it"),
        ([deny(name="all", path=["/a", "/b"]), allow(path="/a", method="GET")], "rule 2: it can never match"),
        ([{"set": "feeds"}, allow(set="feeds", name="more", method="GET")], "rule 2: it can never match"),
        ([deny(path="x"), allow(method="x")], "rule 1: path x begins"),
        ([deny(path="x"), allow(method="x")], "rule 2: method x is no method"),
    ],
)
def test_a_rule_that_is_wrong_or_could_never_match_is_told(entries: list[dict[str, Any]], told: str) -> None:
    with pytest.raises(Misconfigured) as problem:
        made(*entries)

    assert told in str(problem.value)


KNOWN = {"action", "name", "policy", "weight", "set", *NAMES}
WORDS = st.text("abcdefghijklmnopqrstuvwxyz_-", min_size=1, max_size=12)


@given(WORDS.filter(lambda word: word not in KNOWN), st.text() | st.integers() | st.lists(st.text()))
def test_an_unknown_condition_is_always_told(word: str, value: object) -> None:
    with pytest.raises(Misconfigured, match="there is no"):
        made(deny(**{word: value}))


@given(
    st.dictionaries(
        st.sampled_from(sorted(KNOWN)), st.text() | st.integers() | st.booleans() | st.lists(st.text())
    )
)
def test_whatever_an_operator_writes_is_read_or_told(entry: dict[str, Any]) -> None:
    try:
        found = made(entry)
    except Misconfigured as problem:
        assert str(problem).startswith("sites.toml, rule 1: ")
    else:
        assert found.decide(visit()).action in ("allow", "deny", "ask")


@given(st.text(min_size=1).filter(lambda text: text not in METHODS))
def test_an_unknown_method_is_told(text: str) -> None:
    with pytest.raises(Misconfigured, match="is no method"):
        made(deny(method=text))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "holds no network"),
        ("# none\n", "holds no network"),
        (
            "10.0.0.0/8\nlocalhost\n",
            "line 2: localhost is a name, and connections come from addresses: write 127.0.0.1",
        ),
        ("192.168.*\n", "line 1: 192.168.* is no network: write 192.168.0.0/16"),
    ],
)
def test_a_file_of_networks_that_holds_none_is_told(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "list.txt").write_text(text)

    with pytest.raises(Misconfigured) as problem:
        made(allow(network_file="list.txt"), folder=tmp_path)

    assert told in str(problem.value)
