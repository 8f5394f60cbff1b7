"""The wire protocols: PROTOCOLS is the only list of them."""

from captcha_stateless.protocols.altcha import Altcha
from captcha_stateless.protocols.audio import Audio
from captcha_stateless.protocols.base import Adapter
from captcha_stateless.protocols.cap import Cap
from captcha_stateless.protocols.compat import Compat
from captcha_stateless.protocols.demo import Demo
from captcha_stateless.protocols.friendly import Friendly
from captcha_stateless.protocols.health import Health
from captcha_stateless.protocols.jwks import Jwks
from captcha_stateless.protocols.metrics import MetricsPage
from captcha_stateless.protocols.minicap import MiniCap
from captcha_stateless.protocols.nojs import NoJs
from captcha_stateless.protocols.onecaptcha import OneCaptcha
from captcha_stateless.protocols.openapi import OpenApi
from captcha_stateless.protocols.page import Page
from captcha_stateless.protocols.privatecaptcha import PrivateCaptcha
from captcha_stateless.protocols.relaysms import RelaySms
from captcha_stateless.protocols.restcaptcha import RestCaptcha
from captcha_stateless.protocols.siteverify import Siteverify
from captcha_stateless.protocols.tornevall import Tornevall
from captcha_stateless.protocols.wall import Wall
from captcha_stateless.protocols.widget import Widget

PROTOCOLS: tuple[type[Adapter], ...] = (
    OneCaptcha,
    MiniCap,
    RelaySms,
    RestCaptcha,
    Tornevall,
    Altcha,
    Cap,
    Audio,
    Siteverify,
    Friendly,
    PrivateCaptcha,
    Jwks,
    Wall,
    Widget,
    NoJs,
    Compat,
    Health,
    OpenApi,
    MetricsPage,
    Page,
    Demo,
)
