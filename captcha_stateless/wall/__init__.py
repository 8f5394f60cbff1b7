"""Who may pass the wall unasked: an operator's rules about visits, and who a visitor verifiably is."""

from captcha_stateless.wall.rules import NO_RULES, Action, Decision, Rules
from captcha_stateless.wall.visit import Visit

__all__ = ["NO_RULES", "Action", "Decision", "Rules", "Visit"]
