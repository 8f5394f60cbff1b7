"""The kinds of challenge: KINDS is the only list of them."""

from captcha_stateless.kinds.audio import Audio
from captcha_stateless.kinds.base import Kind
from captcha_stateless.kinds.grid import Grid
from captcha_stateless.kinds.text import Text
from captcha_stateless.kinds.work import Work

KINDS: dict[str, type[Kind]] = {
    "grid": Grid,
    "text": Text,
    "audio": Audio,
    "work": Work,
}
