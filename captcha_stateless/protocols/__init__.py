"""The wire protocols: PROTOCOLS is the only list of them."""

from captcha_stateless.protocols.base import Adapter
from captcha_stateless.protocols.health import Health
from captcha_stateless.protocols.onecaptcha import OneCaptcha
from captcha_stateless.protocols.page import Page
from captcha_stateless.protocols.restcaptcha import RestCaptcha

PROTOCOLS: tuple[type[Adapter], ...] = (OneCaptcha, RestCaptcha, Health, Page)
