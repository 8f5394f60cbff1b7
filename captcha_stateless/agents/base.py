"""What tells signed agents, where nobody's signature counts: nobody is one."""

from captcha_stateless.wall.visit import Visit

TAG = "web-bot-auth"
#: What an answer that refuses may ask of whoever can sign (RFC 9421, section 5.1).
ACCEPT_SIGNATURE = f'sig1=("@authority" "signature-agent");created;expires;tag="{TAG}"'


class Agents:
    """Knows nobody; :class:`captcha_stateless.agents.pinned.PinnedAgents` knows those of a file."""

    async def verify(self, visit: Visit) -> str:
        """Name the agent that signed a visit; empty: nobody did whose signature counts here.

        Raises:
            Refused: when a signature that would count is wrong, over, or was used before; the visitor is as any other then.
            Blocked, TooMany: when the visitor's network may not make the replay filter remember more; nothing is spent.
            Unavailable: when the replay filter cannot say.
        """
        return ""
