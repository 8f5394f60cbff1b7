"""What an operator can set: one table, read from a TOML file and the environment, with every mistake told at once."""

import difflib
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, Self, get_args

from captcha_stateless.errors import Misconfigured
from captcha_stateless.stages import EXTENSIONS
from captcha_stateless.stores.url import RedisUrl

PREFIX = "CAPTCHA_"
#: Names the TOML file; it is no setting itself.
FILE_VARIABLE = f"{PREFIX}CONFIG"

Profile = Literal["lenient", "humane", "strict", "classic"]
Family = Literal["", "filled", "outline", "embossed", "mixed"]
WorkFirst = Literal["widget", "all", "none"]
Theme = Literal["light", "dark"]
LogForm = Literal["text", "json"]
ReplayMode = Literal["exact", "compact"]
OnDown = Literal["refuse", "local"]

#: BCP 47 as far as voices are named: nothing that could be an option or a path.
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{1,8})*")

_MAX_FILE_BYTES = 1_048_576
#: What the test suite asks of itself.
_TESTS = "TEST_"


def _text(text: str) -> str:
    return text


def _path(text: str) -> Path:
    if not text:
        raise ValueError("must name a file or folder")
    return Path(text)


def _flag(text: str) -> bool:
    words = {
        "true": True,
        "yes": True,
        "on": True,
        "1": True,
        "false": False,
        "no": False,
        "off": False,
        "0": False,
    }
    try:
        return words[text.lower()]
    except KeyError:
        raise ValueError("must be true or false") from None


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _languages(text: str) -> tuple[str, ...]:
    languages = tuple(dict.fromkeys(name.lower() for name in _names(text)))
    if not all(_LANGUAGE.fullmatch(language) for language in languages):
        raise ValueError("must be language tags such as en,de,pt-br")
    return languages


def _url(text: str) -> str:
    if text and not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", text):
        raise ValueError("must be an address such as https://captcha.example")
    return text.rstrip("/")


def _whole(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = low - 1
        if not low <= number <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return number

    return parse


def _one_of(*words: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return text

    return parse


def _short(most: int) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not (0 < len(text) <= most and text.isascii() and text.isprintable()):
            raise ValueError(f"must be 1 to {most} printable ASCII characters")
        return text

    return parse


def _replay(text: str) -> str:
    return text if text in ("memory", "shared") else _redis(text, "must be memory, shared, or a Redis URL")


def _redis(text: str, rule: str) -> str:
    try:
        RedisUrl.parse(text)
    except Misconfigured as problem:
        raise ValueError(f"{rule}: {problem}") from None
    return text


def _rates(text: str) -> tuple[str, ...]:
    rates = _names(text)
    if not all(re.fullmatch(r"[1-9]\d{0,6}/(second|minute|hour|day)", rate) for rate in rates):
        raise ValueError("must be rates such as 30/minute,300/hour")
    return rates


def _store(text: str) -> str:
    return text if text == "memory" else _redis(text, "must be memory, or a Redis URL")


def _option(default: Any, parse: Callable[[str], Any], text: str, *, secret: bool = False) -> Any:
    return field(default=default, metadata={"parse": parse, "text": text, "secret": secret})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every setting, with its default; ``CAPTCHA_<NAME>`` in the environment goes before the TOML file."""

    keys: Path = _option(Path("keys/keyring.json"), _path, "the key ring's file; the same on every replica")
    sites: Path | None = _option(None, _path, "the sites' TOML file; unset: a development site")
    protocols: tuple[str, ...] = _option((), _names, "the protocols to serve; empty: all")
    profile: Profile = _option(
        "humane",
        _one_of(*get_args(Profile)),
        "the grid's profile: `lenient` (filled glyphs, 2 stages), `humane` (outlines, 2 stages), `strict` (outlines and "
        "embossed, 3 of 4 stages) or `classic` (1Captcha's 20)",
    )
    family: Family = _option(
        "",
        _one_of(*get_args(Family)),
        "how the grid is drawn: `filled`, `outline`, `embossed` or `mixed`; empty: as the profile says",
    )
    profile_choice: bool = _option(False, _flag, "let a request choose its profile by `?profile=`")
    flag: str = _option("", _text, "what a solved run answers as `flag`; empty: a pass", secret=True)
    issuer: str = _option(
        "captcha-stateless", _short(64), "what passes name as their `iss`: this deployment's name or URL"
    )
    siteverify_get: bool = _option(
        False, _flag, "let siteverify be asked by GET, too: secrets in URLs end up in logs"
    )
    test_keys: bool = _option(
        False, _flag, "honour the public test keys: everyone passes; for the tests of a site only"
    )
    pass_seconds: int = _option(300, _whole(30, 1_800), "how long a pass counts, in seconds")
    extensions: int = _option(
        EXTENSIONS, _whole(0, 20), "how often a visitor may ask for more time (WCAG 2.2.1: at least 10)"
    )
    alphabet: str = _option("CEKLMNPUY347", _text, "the characters of the grid, but for `classic`")
    text_alphabet: str = _option(
        "ABCEFHKLMNPRTUWXYabdeghknrty2347",
        _text,
        "the characters of text pictures, typed in either case; look-alikes are left out",
    )
    text_length: int = _option(6, _whole(4, 8), "how many characters a text picture shows")
    text_theme: Theme = _option("light", _one_of(*get_args(Theme)), "text pictures' theme: `light` or `dark`")
    text_background_noise: bool = _option(True, _flag, "noise behind the characters of text pictures")
    text_foreground_noise: bool = _option(True, _flag, "noise across the characters of text pictures")
    audio_languages: tuple[str, ...] = _option(
        ("en",), _languages, "languages in which text can be heard, the default one first (BCP 47)"
    )
    audio_recordings: Path | None = _option(
        None,
        _path,
        "a folder of your own recordings, `<language>/<digit>.wav`; unset: the extra `audio`, or espeak-ng",
    )
    tile_size: int = _option(96, _whole(32, 256), "width and height of a tile, in pixels")
    typefaces: Path | None = _option(
        None, _path, "a folder of .ttf or .otf files to draw with; unset: the installed packages"
    )
    policy: str = _option(
        "default",
        _text,
        "the policy of sites that name none: `lenient`, `default`, `strict` or one of the sites file",
    )
    work_first: WorkFirst = _option(
        "widget",
        _one_of(*get_args(WorkFirst)),
        "who must do the policy's `work` before a picture is drawn: `widget` (whoever names a `kind`), `all` (1Captcha's own "
        "clients cannot) or `none`",
    )
    trusted_proxies: tuple[str, ...] = _option(
        (),
        _names,
        "addresses or networks of proxies whose X-Forwarded-* and risk headers count; `*`: every peer",
    )
    risk_header: str = _option(
        "", _text, "the header in which a trusted proxy hands on a risk score from 0 to 100; empty: none"
    )
    risk_header_inverted: bool = _option(
        False, _flag, "read that header the other way round: 100 is surely a person, as Cloudflare counts"
    )
    risk_networks: Path | None = _option(
        None, _path, "a file of networks to `allow`, `block` or give a `score`, one a line"
    )
    risk_free_challenges: int = _option(
        300,
        _whole(1, 1_000_000),
        "challenges of one site that a /24 or /64 may ask in five minutes before its risk rises",
    )
    dnsbl_zone: str = _option("", _text, "a DNS blocklist to ask, such as zen.spamhaus.org; empty: none")
    dnsbl_score: int = _option(60, _whole(0, 100), "the risk of an address that the DNS blocklist lists")
    work_wait_seconds: int = _option(
        2, _whole(0, 60), "a RESTCaptcha token verified within so many seconds of its challenge is invalid"
    )
    health_key: str = _option(
        "",
        _text,
        "the key that `/health` asks for, in X-API-KEY or as `Authorization: ApiKey`; empty: none",
        secret=True,
    )
    health_networks: tuple[str, ...] = _option((), _names, "networks that `/health` answers; empty: all")
    health_private: bool = _option(False, _flag, "let `/health` answer private networks only")
    drain_seconds: int = _option(
        0, _whole(0, 300), "after SIGTERM say not ready and go on serving for so long before stopping"
    )
    metrics: bool = _option(
        False, _flag, "serve `/metrics` (extra `metrics`); keep it from the public, or set a key"
    )
    metrics_key: str = _option(
        "", _text, "the key that `/metrics` asks for as `Authorization: Bearer`; empty: none", secret=True
    )
    tracing: bool = _option(
        False, _flag, "send a trace of each request (extra `otel`) to where the `OTEL_*` variables say"
    )
    log: LogForm = _option(
        "text", _one_of(*get_args(LogForm)), "`text`, or `json`: one object a line, and one line a request"
    )
    rate_limit: tuple[str, ...] = _option(
        (),
        _rates,
        "challenges of one site that a /24 or /64 may ask, such as `30/minute,300/hour` (extra `limits`); empty: no limit",
    )
    rate_limit_store: str = _option(
        "memory",
        _store,
        "where they are counted: `memory` (each worker by itself) or a Redis URL (all replicas)",
        secret=True,
    )
    queue: int = _option(
        64, _whole(0, 10_000), "requests that may wait in each worker; more are told 503 and `Retry-After`"
    )
    replay: str = _option(
        "shared",
        _replay,
        "where spent tokens are remembered: `memory` (one process), `shared` (all workers of a host), or a "
        "Redis URL (all replicas; docs/redis.md)",
        secret=True,
    )
    replay_dir: Path | None = _option(
        None, _path, "`shared`: the folder of its file; unset: one of this key ring's own under `/dev/shm`"
    )
    replay_rate: int = _option(
        1_000,
        _whole(1, 1_000_000),
        "marks a second that the replay filter has room for; a protocol alone may use two thirds (docs/capacity.md)",
    )
    replay_mode: ReplayMode = _option(
        "exact",
        _one_of(*get_args(ReplayMode)),
        "Redis: `exact` (a key for each answer) or `compact` (Bloom filters, 6 bytes an answer)",
    )
    replay_prefix: str = _option(
        "captcha", _text, "Redis: how the keys begin; name another to change the filter's settings"
    )
    replay_on_down: OnDown = _option(
        "refuse",
        _one_of(*get_args(OnDown)),
        "Redis down: `refuse` (503), or `local`: each replica goes on alone, so that n replicas may honour a token n times",
    )
    cors_origins: tuple[str, ...] = _option(("*",), _names, "origins whose pages may call the API")
    public_url: str = _option(
        "",
        _url,
        "the address under which clients reach this server, for URLs in answers; unset: the request's",
    )
    production: bool = _option(
        False, _flag, "let `doctor` object to what is for trying things out only, and serve no playground"
    )
    page: bool = _option(
        True, _flag, "serve the page to try it at `/`, and outside production the playground at `/demo`"
    )
    demo_replica: str = _option(
        "", _url, "the address of another replica, which the playground shows beside this one"
    )

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> Self:
        """Read the environment and the TOML file that it names.

        Raises:
            Misconfigured: with one line for each mistake.
        """
        problems: list[str] = []
        values = {**_from_file(environ, problems), **_from_environ(environ, problems)}
        parsed: dict[str, Any] = {}
        for name, text in values.items():
            try:
                parsed[name] = _OPTIONS[name]["parse"](text)
            except ValueError as error:
                shown = "its value" if _OPTIONS[name]["secret"] else repr(text)
                problems.append(f"{PREFIX}{name.upper()}: {shown} {error}")
        if problems:
            raise Misconfigured("\n".join(problems))
        return cls(**parsed)


_OPTIONS: dict[str, Mapping[str, Any]] = {option.name: option.metadata for option in fields(Settings)}


def unknown(environ: Mapping[str, str]) -> Iterator[str]:
    """Warn of every ``CAPTCHA_*`` name that is no setting, with the nearest one that is."""
    known = {name.removeprefix(PREFIX) for setting in _OPTIONS for name in _variables(setting)}
    known.add(FILE_VARIABLE.removeprefix(PREFIX))
    for variable in sorted(environ):
        name = variable.removeprefix(PREFIX)
        if name not in known and name != variable and not name.startswith(_TESTS):
            yield f"{variable} is no setting" + _hint(name, known, PREFIX)


def table() -> str:
    """Write all settings as a Markdown table."""
    rows = ["| variable | default | meaning |", "| --- | --- | --- |"]
    for option in fields(Settings):
        names = " or ".join(f"`{name}`" for name in _variables(option.name))
        rows.append(f"| {names} | {_shown(option.default)} | {option.metadata['text']} |")
    return "\n".join(rows)


def _shown(default: object) -> str:
    if default is MISSING or default is None or default == "":
        return ""
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, tuple):
        return f"`{','.join(default)}`"
    return f"`{default}`"


def _variables(setting: str) -> tuple[str, ...]:
    name = PREFIX + setting.upper()
    return (name, f"{name}_FILE") if _OPTIONS[setting]["secret"] else (name,)


def _from_environ(environ: Mapping[str, str], problems: list[str]) -> dict[str, str]:
    values: dict[str, str] = {}
    for setting in _OPTIONS:
        for variable in _variables(setting):
            if variable not in environ:
                continue
            if setting in values:
                problems.append(f"{variable}: set this or {PREFIX}{setting.upper()}, not both")
            elif variable.endswith("_FILE"):
                values[setting] = _read(Path(environ[variable]), variable, problems).rstrip("\r\n")
            else:
                values[setting] = environ[variable]
    return values


def _from_file(environ: Mapping[str, str], problems: list[str]) -> dict[str, str]:
    if FILE_VARIABLE not in environ:
        return {}
    path = Path(environ[FILE_VARIABLE])
    try:
        document = tomllib.loads(_read(path, FILE_VARIABLE, problems))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        problems.append(f"{path}: {error}")
        return {}
    for name in sorted(set(document) - set(_OPTIONS)):
        problems.append(f"{path}: {name} is no setting" + _hint(name, _OPTIONS))
    return {name: _as_text(value) for name, value in document.items() if name in _OPTIONS}


def _hint(name: str, known: Iterable[str], prefix: str = "") -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {prefix}{near[0]}?" if near else ""


def _as_text(value: object) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    return str(value)


def _read(path: Path, variable: str, problems: list[str]) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            return file.read(_MAX_FILE_BYTES)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        problems.append(f"{variable}: cannot read {path} ({reason})")
        return ""
