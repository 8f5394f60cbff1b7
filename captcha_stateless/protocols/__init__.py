"""The wire protocols: PROTOCOLS is the only list of them."""

from captcha_stateless.protocols.base import Adapter
from captcha_stateless.protocols.minicap import MiniCap
from captcha_stateless.protocols.onecaptcha import OneCaptcha
from captcha_stateless.protocols.page import Page

PROTOCOLS: tuple[type[Adapter], ...] = (OneCaptcha, MiniCap, Page)
