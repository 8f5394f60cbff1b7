"""A stateless, token-based CAPTCHA server."""

from captcha_stateless.app import create_app
from captcha_stateless.settings import Settings

__version__ = "0.1.0"
__all__ = ["Settings", "create_app"]
