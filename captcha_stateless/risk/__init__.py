"""How likely is it that a caller is a bot? What a stateless edge can know of it."""

from captcha_stateless.risk.assess import MAX_SCORE, Assessor, Caller, Risk

__all__ = ["MAX_SCORE", "Assessor", "Caller", "Risk"]
