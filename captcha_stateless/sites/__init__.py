"""The sites that a deployment serves, their policies, and who decides what their visitors are asked."""

from captcha_stateless.sites.file import append, load, make
from captcha_stateless.sites.site import (
    DEFAULT_KINDS,
    DEVELOPMENT,
    DEVELOPMENT_SECRET,
    DEVELOPMENT_SITES,
    Site,
    Sites,
)

__all__ = [
    "DEFAULT_KINDS",
    "DEVELOPMENT",
    "DEVELOPMENT_SECRET",
    "DEVELOPMENT_SITES",
    "Site",
    "Sites",
    "append",
    "load",
    "make",
]
