"""The command line: serve, keys, inspect, sample, widget, doctor."""

import asyncio
import json
import logging
import os
import secrets
import sys
import tempfile
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import click
from uvicorn.main import main as uvicorn_command

from captcha_stateless import __version__, keys, sites
from captcha_stateless.app import create_engine, create_replay
from captcha_stateless.doctor import examine, fit
from captcha_stateless.engine import Engine
from captcha_stateless.errors import BadRequest, CaptchaError, Misconfigured, Unavailable
from captcha_stateless.protocols.widget import tag
from captcha_stateless.render import contact_sheet
from captcha_stateless.seal import Seal
from captcha_stateless.settings import FILE_VARIABLE, Settings, unknown

P = ParamSpec("P")
R = TypeVar("R")

_DID: dict[keys.Step, str] = {
    "add": "Added a key that opens and a public key that verifies; neither is used for new tokens yet.",
    "switch": "The new keys seal and sign from now on; the ones before them still open and verify.",
    "delete": "Deleted the retired keys: what they sealed and signed is refused. The rotation is complete.",
}
_NEXT: dict[keys.Step, str] = {
    "add": f"then, after {keys.SETTLE_SECONDS // 60} minutes or more, run `captcha-stateless keys rotate` again.",
    "switch": f"then, after {keys.GRACE_SECONDS // 60} minutes or more, run `captcha-stateless keys rotate` again.",
    "delete": "nothing else is to do until the next rotation.",
}
#: The keys that a step must wait for, how long, and what would happen otherwise.
_WAITS: dict[keys.Step, tuple[keys.State, int, str]] = {
    "switch": ("next", keys.SETTLE_SECONDS, "is too new: a replica or an edge may not know it yet"),
    "delete": ("retired", keys.GRACE_SECONDS, "was retired too lately: tokens under it still live"),
}

# A site's secret has 256 bits, so that a fast hash of it is enough; its key is public.
_SECRET_BYTES, _KEY_BYTES = 32, 12


def _plainly(command: Callable[P, R]) -> Callable[P, R]:
    """Show our own errors as one sentence and exit with 1."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except CaptchaError as error:
            raise click.ClickException(str(error)) from None

    return run


def _settings() -> Settings:
    for warning in unknown(os.environ):
        click.echo(f"Warning: {warning}", err=True)
    return Settings.load(os.environ)


def _engine(settings: Settings) -> Engine:
    ring = keys.load(settings.keys)
    return create_engine(settings, lambda: ring)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
@click.option("--config", type=click.Path(exists=True, dir_okay=False), help="TOML file with settings.")
def main(config: str | None) -> None:
    """A stateless, token-based CAPTCHA server."""
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")
    if config is not None:
        os.environ[FILE_VARIABLE] = config


@main.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
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
@click.argument("uvicorn_options", nargs=-1, type=click.UNPROCESSED)
@_plainly
def serve(
    host: str, port: int, workers: int, trust_proxies: str | None, uvicorn_options: tuple[str, ...]
) -> None:
    """Run the server; further options go to uvicorn as they are."""
    if trust_proxies is not None:
        os.environ["CAPTCHA_TRUSTED_PROXIES"] = trust_proxies
    settings = _settings()
    if workers > 1 and settings.replay == "memory":
        raise Misconfigured(
            "CAPTCHA_REPLAY=memory serves one worker only: each would honour the same token; use shared"
        )
    _check_replay(settings)
    _allow_files()
    place = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    click.echo(
        f"captcha_stateless {__version__}: try it at {place}/" if settings.page else f"Serving at {place}"
    )
    if settings.sites is None:
        site = sites.DEVELOPMENT
        click.echo(
            f"No CAPTCHA_SITES: serving the development site {site.key} (secret {sites.DEVELOPMENT_SECRET}) "
            f"for {', '.join(site.hosts)} only."
        )
    with _shared_counts(settings):
        uvicorn_command.main(_uvicorn(settings, host, port, workers, uvicorn_options), prog_name="uvicorn")


def _uvicorn(settings: Settings, host: str, port: int, workers: int, further: tuple[str, ...]) -> list[str]:
    return [
        "captcha_stateless.app:create_app",
        "--factory",
        *("--host", host, "--port", str(port), "--workers", str(workers)),
        *(
            "--no-server-header",
            "--no-access-log",
        ),  # an access log holds addresses, and paths that hold tokens
        "--no-proxy-headers",  # the application reads them, for it must know which peer was the proxy
        *("--http", _connections(), "--ws", "none"),
        *(("--log-config", str(files("captcha_stateless") / "logs.json")) if settings.log == "json" else ()),
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
    return f"captcha_stateless.wire.{'httptools' if find_spec('httptools') else 'h11'}:Protocol"


def _allow_files() -> None:
    """Raise the limit of open files to what the system allows at most: a connection is one."""
    if sys.platform != "win32":
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _check_replay(settings: Settings) -> None:
    """Say now, in one sentence, what would otherwise stop every worker."""

    async def check() -> None:
        replay = create_replay(settings, keys.load(settings.keys), time.time())
        try:
            await replay.start()
        except Unavailable as error:
            click.echo(f"Warning: {error}; answers are refused until it is up.", err=True)
        finally:
            await replay.close()

    asyncio.run(check())


@main.group("keys")
def keys_group() -> None:
    """Make, list and rotate the keys that seal challenges and sign passes."""


@keys_group.command()
@click.option("--if-missing", is_flag=True, help="Leave an existing key ring as it is, and say nothing.")
@_plainly
def init(if_missing: bool) -> None:
    """Make a key ring; an existing one is never overwritten."""
    path = _settings().keys
    if if_missing and path.exists():
        return
    keys.save(path, keys.fresh_ring(int(time.time())), overwrite=False)
    click.echo(f"Made {path}. Give every replica a copy, and nobody else.")


@keys_group.command("list")
@_plainly
def list_keys() -> None:
    """List the keys, without their secrets."""
    now = time.time()
    for key in keys.load(_settings().keys).all:
        use = "signs passes" if isinstance(key, keys.SigningKey) else "seals challenges"
        click.echo(f"{key.kid}  {key.state:8}  for {_span(now - key.since):6}  {use}")


@keys_group.command()
@click.option("--force", is_flag=True, help="Do not wait: tokens may be refused.")
@_plainly
def rotate(force: bool) -> None:
    """Take the next of a rotation's three steps: add keys, let them seal and sign, delete the ones before."""
    path, now = _settings().keys, int(time.time())
    ring = keys.load(path)
    step = ring.step
    if step in _WAITS and not force:
        _require_waited(ring, now, *_WAITS[step])
    moved = keys.rotated(ring, now) if step != "delete" else keys.without_retired(ring, now, -1)
    keys.save(path, moved, overwrite=True)
    click.echo(_DID[step])
    click.echo(f"Next: copy {path} to every replica; {_NEXT[step]}")


def _require_waited(ring: keys.KeyRing, now: int, state: keys.State, seconds: int, why: str) -> None:
    key = ring.find(state)
    if key is not None and now - key.since < seconds:
        wait = seconds - (now - key.since)
        raise Misconfigured(f"key {key.kid} {why}; wait {wait} s or use --force")


@keys_group.command()
@_plainly
def retire() -> None:
    """Delete the retired keys that no living token needs."""
    path, now = _settings().keys, int(time.time())
    ring = keys.load(path)
    rest = keys.without_retired(ring, now, keys.GRACE_SECONDS)
    dropped = len(ring.all) - len(rest.all)
    if dropped:
        keys.save(path, rest, overwrite=True)
    click.echo(f"Deleted {dropped} retired {'key' if dropped == 1 else 'keys'}; {len(rest.all)} left.")


@main.group("sites")
def sites_group() -> None:
    """Add, list and check the sites that are served."""


@sites_group.command("add")
@click.argument("name")
@click.option(
    "--host", "hosts", multiple=True, help="Host name of its pages; *.shop.example: every one below."
)
@click.option("--kind", "kinds", multiple=True, help="Kind of challenge that counts; without: every kind.")
@click.option("--profile", default="", help="Profile of its grid.")
@click.option("--policy", default="", help="Its policy.")
@click.option("--return", "returns", multiple=True, help="Address to which /nojs may send a pass.")
@click.option("--key", default="", help="Its public key, where clients know one already; without: a new one.")
@_plainly
def add_site(
    name: str,
    hosts: tuple[str, ...],
    kinds: tuple[str, ...],
    profile: str,
    policy: str,
    returns: tuple[str, ...],
    key: str,
) -> None:
    """Add a site to the sites file, and show its secret: this once."""
    path, secret = _sites_file(), secrets.token_hex(_SECRET_BYTES)
    key = key or secrets.token_hex(_KEY_BYTES)
    lists = {"hosts": list(hosts), "kinds": list(kinds), "returns": list(returns)}
    options = {**lists, "profile": profile, "policy": policy}
    site = sites.make(name, key, secret, **options)
    _tell_problems(fit(site))
    sites.append(path, site)
    click.echo(f"site key: {key}\nsecret:   {secret}")
    click.echo(f"Only the secret's hash is kept, in {path}: note the secret down now.")


@sites_group.command("list")
@_plainly
def list_sites() -> None:
    """List the sites, without their secrets."""
    path = _settings().sites
    for site in sites.load(path).all if path else (sites.DEVELOPMENT,):
        hosts, kinds = (", ".join(names) or "any" for names in (site.hosts, site.kinds))
        click.echo(f"{site.key}  {site.name}  hosts: {hosts}  kinds: {kinds}")


@sites_group.command("check")
@_plainly
def check_sites() -> None:
    """Check the sites file; exit with 1 when a site cannot work."""
    path = _sites_file()
    found = sites.load(path).all
    _tell_problems(problem for site in found for problem in fit(site))
    click.echo(f"{path}: {len(found)} {'site' if len(found) == 1 else 'sites'}, all good.")


def _sites_file() -> Path:
    path = _settings().sites
    if path is None:
        raise Misconfigured("CAPTCHA_SITES names no file; set it first, e.g. CAPTCHA_SITES=sites.toml")
    return path


def _tell_problems(problems: Iterable[str]) -> None:
    found = "\n".join(problems)
    if found:
        raise Misconfigured(found)


@main.command()
@click.argument("token")
@click.option("--answer", is_flag=True, help="Add the answer that would be right.")
@_plainly
def inspect(token: str, answer: bool) -> None:
    """Print what a token holds, as one JSON object; for the holder of the keys."""
    settings = _settings()
    ring = keys.load(settings.keys)
    claims = Seal(lambda: ring).inspect(token)
    document = {name: _plain(value) for name, value in claims._asdict().items()}
    if answer:
        document["answer"] = _engine(settings).tell(claims)
    click.echo(json.dumps(document, indent=2))


@main.command()
@click.option("--kind", default="grid", show_default=True, help="Kind of challenge.")
@click.option(
    "--param", "params", multiple=True, metavar="NAME=VALUE", help="What sort of it, e.g. profile=classic."
)
@click.option(
    "--count", default=4, show_default=True, type=click.IntRange(1, 64), help="How many challenges."
)
@click.option(
    "--output", default="sample.png", show_default=True, type=click.Path(dir_okay=False, path_type=Path)
)
@_plainly
def sample(kind: str, params: tuple[str, ...], count: int, output: Path) -> None:
    """Write a contact sheet of what a kind draws, one challenge a row, or what it says as WAV."""
    engine = _engine(_settings())
    pairs = (param.split("=", 1) for param in params if "=" in param)
    wanted = {name: _typed(text) for name, text in pairs}
    rows = [engine.picture(engine.issue("sample", kind, wanted)) for _ in range(count)]
    if not rows[0]:
        raise BadRequest(f"kind {kind} shows nothing")
    if rows[0][0].startswith(b"RIFF"):
        output = output.with_suffix(".wav")
        output.write_bytes(rows[0][0])
    else:
        output.write_bytes(contact_sheet([png for row in rows for png in row], columns=len(rows[0])))
    click.echo(f"Wrote {output}.")


@main.command()
@click.argument("url", default="http://127.0.0.1:8000/metrics")
@click.option("--every", default=2.0, show_default=True, type=click.FloatRange(0.1), help="Seconds between.")
@click.option("--once", is_flag=True, help="Show the counts so far, and end.")
@_plainly
def top(url: str, every: float, once: bool) -> None:
    """Show what a server is doing, from its /metrics; the key is taken from CAPTCHA_METRICS_KEY."""
    try:
        from captcha_stateless.top import lines, read  # an extra
    except ImportError:
        raise Misconfigured("top needs `pip install captcha-stateless[metrics]`") from None
    old, key = None, _settings().metrics_key
    while True:
        new = read(url, time.time(), key)
        click.clear()
        click.echo("\n".join(lines(new, old)))
        if once:
            return
        old = new
        time.sleep(every)


@main.command()
@click.option("--sri", is_flag=True, help="Pin exactly this version, by its digest and integrity.")
@_plainly
def widget(sri: bool) -> None:
    """Print the tag that loads the widget; CAPTCHA_PUBLIC_URL says from where."""
    click.echo(tag(_settings().public_url, pinned=sri))


@main.command()
def doctor() -> None:
    """Check keys, permissions, fonts, clock and settings; exit with 1 when something is wrong."""
    findings = list(examine(os.environ, now=time.time()))
    for finding in findings:
        click.echo(f"{finding.grade:5} {finding.text}")
    if any(finding.grade == "wrong" for finding in findings):
        raise SystemExit(1)


def _typed(text: str) -> str | int | bool:
    if text in ("true", "false"):
        return text == "true"
    return int(text) if text.isascii() and text.isdigit() else text


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return urlsafe_b64encode(value).rstrip(b"=").decode("ascii")
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _span(seconds: float) -> str:
    for length, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= length:
            return f"{int(seconds // length)} {name}"
    return f"{max(0, int(seconds))} s"
