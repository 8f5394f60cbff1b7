"""A stateless, token-based CAPTCHA server."""

__version__ = "0.1.0"
