"""The compiled part, `_fused.c`: there if a compiler was when this was installed; else numpy draws the same pixels."""

from typing import Final

try:
    from captcha_stateless.render import _fused as fused
except ImportError:
    fused = None  # type: ignore[assignment]  # the one optional part

COMPILED: Final = fused is not None

__all__ = ["COMPILED", "fused"]
