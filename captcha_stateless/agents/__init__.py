"""Signed agents: programs that say by a signature on each request who they are (Web Bot Auth, over RFC 9421).

Whose signatures count is pinned in a file; nothing is fetched for a request.
"""

from collections.abc import Callable, Mapping

from captcha_stateless.agents.base import Agents
from captcha_stateless.agents.directory import AgentKey, load
from captcha_stateless.replay.base import Replay
from captcha_stateless.risk import Caller
from captcha_stateless.settings import Settings
from captcha_stateless.settings.extras import needed
from captcha_stateless.settings.reload import Reloaded
from captcha_stateless.wall import checks
from captcha_stateless.wall.checks import Known

__all__ = ["Agents", "create", "known"]


def create(
    keys: Reloaded[Mapping[str, AgentKey]] | None,
    replay: Replay,
    key: bytes,
    *,
    meter: Callable[[Caller], None],
    clock: Callable[[], float],
) -> Agents:
    """Make what tells signed agents; without a file nobody is one.

    Raises:
        Misconfigured: when its package is not installed.
    """
    if keys is None:
        return Agents()
    with needed("CAPTCHA_AGENTS", "agents"):
        from captcha_stateless.agents.pinned import PinnedAgents
    return PinnedAgents(lambda: keys.value, replay, key, meter=meter, clock=clock)


def known(settings: Settings) -> Known:
    """Tell what a site's rules can ask of visitors here, agents by their names among it.

    Raises:
        Misconfigured: when a file that the settings name cannot be read.
    """
    keys = load(settings.agents).values() if settings.agents else ()
    return checks.known(settings, frozenset(key.agent for key in keys))
