"""How likely is it that a caller is a bot? What a stateless edge can know of it."""

from captcha_stateless.risk.assess import Assessor, Caller, Risk

__all__ = ["Assessor", "Caller", "Risk"]
