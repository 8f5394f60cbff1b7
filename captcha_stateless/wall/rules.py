"""Rules: an ordered list of conditions on a visit, each with what becomes of visits that meet it."""

from typing import Literal, NamedTuple

from captcha_stateless.wall.visit import Visit

Action = Literal["allow", "deny", "ask"]


class Decision(NamedTuple):
    """What becomes of a visit.

    ``rule`` names the rule that decided, empty: none did; ``policy`` the policy that it asks by, empty: the site's own;
    ``weight`` is what is added to the visitor's risk, 0 to 100.
    """

    action: Action
    rule: str = ""
    policy: str = ""
    weight: int = 0


class Rules:
    """The rules of a site, compiled once; the first that matches decides, where it does not merely weigh."""

    #: What must be found out of a visitor before :meth:`decide`, for a rule asks for it: of ``agent`` and ``crawler``.
    needs: frozenset[str] = frozenset()

    def decide(self, visit: Visit) -> Decision:
        """Tell what becomes of a visit; where no rule matches it is asked."""
        return Decision("ask")


#: Everybody is asked.
NO_RULES = Rules()
