"""Whatever headers a visitor sends: somebody's name, nobody's, or a refusal, and never a fault."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from captcha_stateless.agents import directory
from captcha_stateless.agents.pinned import PinnedAgents
from captcha_stateless.errors import BadToken, Refused
from captcha_stateless.replay.memory import MemoryReplay
from captcha_stateless.tokens import privatetokens
from tests.agents.signers import VISIT, Agent, pinned
from tests.support import NOW, Clock

AGENT = Agent()
SIGNED = AGENT.sign(
    agent='sig1="https://agent.example"', components=("@authority", '"signature-agent";key="sig1"')
)
#: What structured fields are made of.
PIECES = st.sampled_from(
    [
        *'"();=,:?@*',
        "sig1",
        "sig1=",
        "tag=",
        '"web-bot-auth"',
        '"@authority"',
        '"@query-param"',
        ";name=1",
        ";key=1",
        "-1",
        "1.5",
    ]
)
TEXTS = st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=12).map("".join))


@pytest.fixture(scope="module")
def agents(tmp_path_factory: pytest.TempPathFactory) -> PinnedAgents:
    path: Path = pinned(tmp_path_factory.mktemp("agents") / "agents.json", AGENT)
    keys, replay = directory.load(path), MemoryReplay(key=b"k" * 32, now=NOW - 100, horizon_seconds=2520)
    return PinnedAgents(lambda: keys, replay, b"key", clock=Clock())


@given(
    name=st.sampled_from(sorted(SIGNED.headers)),
    cut=st.integers(0, 400),
    width=st.integers(0, 40),
    text=TEXTS,
)
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_changed_signature_is_no_fault(
    agents: PinnedAgents, name: str, cut: int, width: int, text: str
) -> None:
    before = SIGNED.headers[name]
    headers = {**SIGNED.headers, name: before[:cut] + text + before[cut + width :]}

    with suppress(Refused):
        # What is not signed may change: white space, another member of a dictionary.
        assert anyio.run(agents.verify, replace(SIGNED, headers=headers)) in ("", "Reader")


@given(method=TEXTS, host=TEXTS, path=TEXTS, query=TEXTS, scheme=TEXTS)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_request_of_any_form_is_no_fault(
    agents: PinnedAgents, method: str, host: str, path: str, query: str, scheme: str
) -> None:
    visit = replace(
        VISIT, method=method, host=host, path=path, query=query, scheme=scheme, headers=SIGNED.headers
    )

    with suppress(Refused):
        anyio.run(agents.verify, visit)


@given(
    text=st.one_of(st.text(max_size=520), st.binary(min_size=354, max_size=354).map(lambda raw: raw.hex()))
)
@settings(max_examples=200, deadline=None)
def test_a_header_of_any_form_is_no_private_token(text: str) -> None:
    for header in (text, f"PrivateToken {text}", f'PrivateToken token="{text}"'):
        with pytest.raises(BadToken):
            privatetokens.read(header)
