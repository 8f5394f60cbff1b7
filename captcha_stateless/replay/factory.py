"""Which replay filter the settings ask for."""

import hmac
import os
import tempfile
from pathlib import Path

from captcha_stateless.replay.base import Replay
from captcha_stateless.replay.fallback import FallbackReplay
from captcha_stateless.replay.memory import MemoryReplay
from captcha_stateless.settings import Settings
from captcha_stateless.settings.extras import needed

#: No token lives longer, extensions included: the grid's 120 s and twenty extensions of them, RESTCaptcha's half hour.
HORIZON_SECONDS = 120 * 21


def create(settings: Settings, key: bytes, now: float) -> Replay:
    """Make the filter; ``key`` (32 bytes) is the deployment's own, the same on every replica.

    Raises:
        Misconfigured: when it cannot be made, or its package is not installed.
    """
    if settings.replay == "memory":
        return memory(settings, key, now)
    if settings.replay == "shared":
        from captcha_stateless.replay.shared import SharedReplay  # not on Windows

        folder = settings.replay_dir or shared_folder(key)
        return SharedReplay(
            folder, key=key, now=now, horizon_seconds=HORIZON_SECONDS, spends_per_second=settings.replay_rate
        )
    with needed("CAPTCHA_REPLAY", "redis"):
        from captcha_stateless.replay.redis import RedisReplay

    redis = RedisReplay(
        settings.replay,
        key=key,
        mode=settings.replay_mode,
        prefix=settings.replay_prefix,
        horizon_seconds=HORIZON_SECONDS,
        spends_per_second=settings.replay_rate,
    )
    local = settings.replay_on_down == "local"
    return FallbackReplay(redis, memory(settings, key, now)) if local else redis


def memory(settings: Settings, key: bytes, now: float) -> Replay:
    """Make a filter of this process alone."""
    return MemoryReplay(
        key=key, now=now, horizon_seconds=HORIZON_SECONDS, spends_per_second=settings.replay_rate
    )


def shared_folder(key: bytes) -> Path:
    """Name the folder of a key ring's shared filter: two deployments on one host do not meet."""
    shm = Path("/dev/shm")  # noqa: S108 - a folder of mode 0700 is made in it
    parent = shm if shm.is_dir() else Path(tempfile.gettempdir())
    # For ever the same: under another name a host's new workers would not see what its old ones have spent, and each side
    # would honour the same pass.
    name = hmac.digest(key, b"\0\0\0\x06folder", "sha256").hex()[:12]
    return parent / f"captcha-stateless-{os.getuid()}-{name}"
