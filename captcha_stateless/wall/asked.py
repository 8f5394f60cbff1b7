"""What the wall asks of a visitor: under which policy, and with how much added to the risk; written as a run's action.

The action is bound from the first challenge to the pass, so that the gate draws what was asked, and ``/auth`` can tell that
it was this that was earned: a pass of an easier policy opens nothing that asks for a harder one.
"""

import re
from typing import NamedTuple

#: What a policy must be called for the wall to ask under it: an action has 32 characters.
POLICY_NAME = re.compile(r"[A-Za-z0-9_-]{1,20}")
_ACTION = re.compile(r"wall/([A-Za-z0-9_-]{0,20})/(0|[1-9][0-9]?|100)")
_MOST = 100


class Asked(NamedTuple):
    """The policy (empty: the site's own) and what is added to the risk, 0 to 100."""

    policy: str = ""
    weight: int = 0

    @property
    def action(self) -> str:
        """Write it as an action; empty where nothing but the site's own policy is asked."""
        return f"wall/{self.policy}/{min(self.weight, _MOST)}" if self.policy or self.weight else ""

    def satisfied(self, earned: "Asked") -> bool:
        """Tell whether what somebody has earned is enough: the same policy, and no less added to the risk."""
        return earned.policy == self.policy and earned.weight >= min(self.weight, _MOST)


PLAIN = Asked()


def asked(action: str) -> Asked:
    """Read an action; any that is not the wall's asks nothing."""
    found = _ACTION.fullmatch(action)
    return Asked(found[1], int(found[2])) if found else PLAIN
