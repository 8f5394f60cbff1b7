"""Settings: the table of them, the forms of their values, where they come from, and files that are read again."""

from captcha_stateless.settings.sources import FILE_VARIABLE, PREFIX
from captcha_stateless.settings.table import EXTENSIONS, Profile, Settings, table, unknown

__all__ = ["EXTENSIONS", "FILE_VARIABLE", "PREFIX", "Profile", "Settings", "table", "unknown"]
