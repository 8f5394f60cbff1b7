"""Signatures where the replay filter cannot say whether they were used: nobody is let through for one."""

from typing import Any

import anyio
import pytest

from captcha_stateless.agents import directory
from captcha_stateless.agents.pinned import PinnedAgents
from captcha_stateless.errors import Unavailable
from captcha_stateless.replay.memory import MemoryReplay
from tests.agents.signers import Agent, pinned
from tests.support import NOW


class Down(MemoryReplay):
    """A filter that cannot say."""

    async def spend(self, *_: Any, **__: Any) -> Any:
        raise Unavailable("the filter cannot say")


def test_nobody_is_let_through_where_the_filter_cannot_say(tmp_path: Any) -> None:
    agent = Agent()
    keys = directory.load(pinned(tmp_path / "agents.json", agent))
    agents = PinnedAgents(lambda: keys, Down(key=bytes(32), now=NOW), bytes(32), clock=lambda: NOW)

    with pytest.raises(Unavailable):
        anyio.run(agents.verify, agent.sign(created=NOW))
