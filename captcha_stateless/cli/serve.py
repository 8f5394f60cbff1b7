"""``serve``: uvicorn with our connections, after a look at what would stop every worker."""

import asyncio
import gc
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.resources import files
from importlib.util import find_spec

import click

from captcha_stateless import __version__, sites
from captcha_stateless.cli.base import (
    exposed_to_others,
    plainly,
    read_settings,
    require_host,
    require_workers,
)
from captcha_stateless.errors import Misconfigured, Unavailable
from captcha_stateless.settings import Settings
from captcha_stateless.settings.spelling import EVERY, UNIX
from captcha_stateless.tokens import keys

#: Python looks for garbage after so many new objects: after each 700 of its own it took an eighth of a start, and found none.
_NEW_OBJECTS = 20_000


@click.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
@click.option(
    "--host", envvar="HOST", default="127.0.0.1", show_default=True, help="Address to listen on. [$HOST]"
)
@click.option("--port", envvar="PORT", default=8000, show_default=True, help="Port to listen on. [$PORT]")
@click.option(
    "--workers",
    envvar="WEB_CONCURRENCY",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Processes that share the port. [$WEB_CONCURRENCY]",
)
@click.option(
    "--trust-proxies",
    metavar="LIST",
    help="Addresses or networks whose X-Forwarded-* headers count. [$CAPTCHA_TRUSTED_PROXIES]",
)
@click.option("--uds", metavar="PATH", help="Listen on a Unix socket instead.")
@click.argument("uvicorn_options", nargs=-1, type=click.UNPROCESSED)
@plainly
def serve(
    host: str,
    port: int,
    workers: int,
    trust_proxies: str | None,
    uds: str | None,
    uvicorn_options: tuple[str, ...],
) -> None:
    """Run the server; further options go to uvicorn as they are."""
    gc.set_threshold(_NEW_OBJECTS)
    if trust_proxies is not None:
        os.environ["CAPTCHA_TRUSTED_PROXIES"] = trust_proxies
    _refuse_to_log_tokens(uvicorn_options)
    settings = read_settings()
    require_workers(settings, workers)
    if not uds:
        require_host(host)
    _check_replay(settings)
    if workers > 1:
        _check_composition(settings)
    if exposed := exposed_to_others(settings.keys):
        click.echo(f"Warning: {exposed}", err=True)
    _allow_files()
    place = _socket(uds, settings) if uds else f"http://{f'[{host}]' if ':' in host else host}:{port}"
    click.echo(_banner(settings, place))
    if settings.sites is None:
        site = sites.DEVELOPMENT
        click.echo(
            f"No CAPTCHA_SITES: serving the development site {site.key} (secret {sites.DEVELOPMENT_SECRET}) "
            f"for {', '.join(site.hosts)} only."
        )
    from uvicorn.main import main as uvicorn_command

    with _shared_counts(settings):
        words = _uvicorn(settings, workers, uvicorn_options)
        listening = ("--uds", uds) if uds else ("--host", _both(host, workers), "--port", str(port))
        uvicorn_command.main([*words, *listening], prog_name="uvicorn")


def _banner(settings: Settings, place: str) -> str:
    """Say where the server is to be found."""
    if settings.page and place.startswith("http"):
        return f"captcha_stateless {__version__}: try it at {place}/"
    return f"captcha_stateless {__version__}: serving at {place}"


def _socket(uds: str, settings: Settings) -> str:
    """Tell the socket to listen on, and warn where nothing will be known of those who come through it."""
    if not {UNIX, EVERY} & set(settings.trusted_proxies):
        click.echo(
            "Warning: a Unix socket's peer has no address, so that no block list, limit or risk header applies to "
            f"anybody; say CAPTCHA_TRUSTED_PROXIES={UNIX}, and have the proxy send X-Forwarded-For.",
            err=True,
        )
    return f"unix:{uds}"


def _both(host: str, workers: int) -> str:
    # uvicorn binds :: for IPv6 alone where it is one worker, and for both families where its workers share the socket.
    return "" if host == "::" and workers == 1 else host


def _refuse_to_log_tokens(further: tuple[str, ...]) -> None:
    """Refuse the one level of uvicorn's log that writes requests down as they are.

    Raises:
        Misconfigured: when it is asked for.
    """
    asked = [*further, os.environ.get("UVICORN_LOG_LEVEL", "")]
    if any(word.lower().rpartition("=")[2] in ("trace", "5") for word in asked):
        raise Misconfigured(
            "--log-level trace would write tokens, answers and addresses to the log: use debug"
        )


def _uvicorn(settings: Settings, workers: int, further: tuple[str, ...]) -> list[str]:
    return [
        "captcha_stateless.app:create_app",
        "--factory",
        *("--workers", str(workers)),
        *(
            "--no-server-header",
            "--no-access-log",
        ),  # an access log holds addresses, and paths that hold tokens
        "--no-proxy-headers",  # the application reads them, for it must know which peer was the proxy
        *("--http", _connections(), "--ws", "none"),
        *(
            ("--log-config", str(files("captcha_stateless") / "telemetry" / "logs.json"))
            if settings.log == "json"
            else ()
        ),
        *further,
    ]


@contextmanager
def _shared_counts(settings: Settings) -> Iterator[None]:
    """Name a folder in which the workers share their counts, before the first of them starts."""
    if not settings.metrics:
        yield
        return
    try:
        folder = tempfile.TemporaryDirectory(prefix="captcha-stateless-metrics-")
    except OSError as error:
        raise Misconfigured(
            f"CAPTCHA_METRICS needs a folder to write to ({error.strerror}); name one in TMPDIR, best in memory"
        ) from None
    with folder as name:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = name
        yield


def _connections() -> str:
    """Name the class that guards connections, over the faster parser where that is installed."""
    return f"captcha_stateless.http.connections.{'httptools' if find_spec('httptools') else 'h11'}:Protocol"


def _allow_files() -> None:
    """Raise the limit of open files to what the system allows at most: a connection is one."""
    if sys.platform != "win32":
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _check_replay(settings: Settings) -> None:
    """Say now, in one sentence, what would otherwise stop every worker."""
    from captcha_stateless.replay import factory

    async def check() -> None:
        replay = factory.create(settings, keys.load(settings.keys).derive("replay"), time.time())
        try:
            await replay.start()
        except Unavailable as error:
            click.echo(f"Warning: {error}; answers are refused until it is up.", err=True)
        finally:
            await replay.close()

    asyncio.run(check())


def _check_composition(settings: Settings) -> None:
    """Compose once in a process of its own: uvicorn replaces workers that cannot be made, again and again."""
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        pool.submit(_compose, replace(settings, family="filled")).result()  # what is soonest drawn


def _compose(settings: Settings) -> None:
    from captcha_stateless.app import create_app

    create_app(settings)
