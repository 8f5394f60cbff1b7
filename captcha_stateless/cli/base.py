"""What all commands share: settings from the environment, and our own errors as one sentence."""

import os
import socket
import stat
from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import click

from captcha_stateless.errors import CaptchaError, Misconfigured
from captcha_stateless.settings import Settings, unknown

if TYPE_CHECKING:
    from captcha_stateless.engine import Engine

P = ParamSpec("P")
R = TypeVar("R")


def plainly(command: Callable[P, R]) -> Callable[P, R]:
    """Show our own errors as one sentence and exit with 1."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except CaptchaError as error:
            raise click.ClickException(str(error)) from None

    return run


def read_settings() -> Settings:
    """Read the settings, and warn of names that are none."""
    for warning in unknown(os.environ):
        click.echo(f"Warning: {warning}", err=True)
    return Settings.load(os.environ)


def exposed_to_others(path: Path) -> str:
    """Say that a file with secrets can be read by others; empty where it cannot."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if os.name != "posix" or not mode & 0o077:
        return ""
    return f"{path} can be read by others (mode {mode:04o}); run chmod 600 on it."


def make_engine(settings: Settings) -> "Engine":
    """Compose an engine, for commands that draw; it takes half a second to import."""
    from captcha_stateless.app import create_engine
    from captcha_stateless.tokens import keys

    ring = keys.load(settings.keys)
    return create_engine(settings, lambda: ring)


def tell_problems(problems: Iterable[str]) -> None:
    """End with the problems, if there are any.

    Raises:
        Misconfigured: when there are.
    """
    found = "\n".join(problems)
    if found:
        raise Misconfigured(found)


def require_workers(settings: Settings, workers: int) -> None:
    """Refuse a filter that several workers cannot share.

    Raises:
        Misconfigured: when it is one.
    """
    if workers > 1 and settings.replay == "memory":
        raise Misconfigured(
            "CAPTCHA_REPLAY=memory serves one worker only: each would honour the same token; use shared"
        )


def require_host(host: str) -> None:
    """Refuse to listen on a host that there is not, as where conda has set HOST to the kind of the machine.

    Raises:
        Misconfigured: when there is no such host.
    """
    try:
        socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        raise Misconfigured(
            f"cannot listen on {host}: there is no such host; say --host 127.0.0.1, or unset HOST where that names it"
        ) from None
