"""A stateless, token-based CAPTCHA server."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from captcha_stateless.app import create_app
    from captcha_stateless.settings import Settings

__version__ = "0.1.0"
__all__ = ["Settings", "create_app"]

_HOMES = {"Settings": "settings", "create_app": "app"}


def __getattr__(name: str) -> object:
    # On demand, so that a back end that imports the client alone loads neither the server nor its pictures.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
