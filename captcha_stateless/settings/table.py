"""What an operator can set: one table, each row with its default, its form and its meaning."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, Self, get_args

from captcha_stateless.errors import Misconfigured
from captcha_stateless.settings import sources, spelling, values
from captcha_stateless.settings.sources import PREFIX

Profile = Literal["lenient", "humane", "strict", "classic"]
Family = Literal["", "filled", "outline", "embossed", "mixed"]
WorkFirst = Literal["widget", "all", "none"]
Theme = Literal["light", "dark"]
Look = Literal["outline", "clear"]
LogForm = Literal["text", "json"]
ReplayMode = Literal["exact", "compact"]
OnDown = Literal["refuse", "local"]

#: A time limit must be extendable at least ten times (WCAG 2.2, success criterion 2.2.1).
EXTENSIONS = 10


def _option(default: Any, parse: Callable[[str], Any], text: str, *, secret: bool = False) -> Any:
    return field(default=default, metadata={"parse": parse, "text": text, "secret": secret})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every setting, with its default; ``CAPTCHA_<NAME>`` in the environment goes before the TOML file."""

    keys: Path = _option(
        Path("keys/keyring.json"), values.path, "the key ring's file; the same on every replica"
    )
    sites: Path | None = _option(None, values.path, "the sites' TOML file; unset: a development site")
    protocols: tuple[str, ...] = _option((), values.names, "the protocols to serve; empty: all")
    profile: Profile = _option(
        "humane",
        values.one_of(*get_args(Profile)),
        "the grid's profile: `lenient` (filled glyphs, 2 stages), `humane` (outlines, 2 stages), `strict` (outlines and "
        "embossed, 3 of 4 stages) or `classic` (1Captcha's 20)",
    )
    family: Family = _option(
        "",
        values.one_of(*get_args(Family)),
        "how the grid is drawn: `filled`, `outline`, `embossed` or `mixed`; empty: as the profile says",
    )
    profile_choice: bool = _option(False, values.flag, "let a request choose its profile by `?profile=`")
    flag: str = _option("", values.text, "what a solved run answers as `flag`; empty: a pass", secret=True)
    issuer: str = _option(
        "captcha-stateless",
        values.short(64),
        "what passes name as their `iss`: this deployment's name or URL",
    )
    siteverify_get: bool = _option(
        False, values.flag, "let siteverify be asked by GET, too: secrets in URLs end up in logs"
    )
    test_keys: bool = _option(
        False, values.flag, "honour the public test keys: everyone passes; for the tests of a site only"
    )
    pass_seconds: int = _option(300, values.whole(30, 1_800), "how long a pass counts, in seconds")
    extensions: int = _option(
        EXTENSIONS, values.whole(0, 20), "how often a visitor may ask for more time (WCAG 2.2.1: at least 10)"
    )
    alphabet: str = _option("CEKLMNPUY347", values.text, "the characters of the grid, but for `classic`")
    text_alphabet: str = _option(
        "ABCEFHKLMNPRTUWXYabdeghknty23",
        values.text,
        "the characters of text pictures, typed in either case; look-alikes are left out",
    )
    text_length: int = _option(6, values.whole(4, 8), "how many characters a text picture shows")
    text_theme: Theme = _option(
        "light", values.one_of(*get_args(Theme)), "text pictures' theme: `light` or `dark`"
    )
    text_profile: Look = _option(
        "outline",
        values.one_of(*get_args(Look)),
        "how text pictures are drawn: `outline` (contours in front of foreign ones) or `clear` (filled letters, which any "
        "reading program reads)",
    )
    text_background_noise: bool = _option(True, values.flag, "noise behind the characters of text pictures")
    text_foreground_noise: bool = _option(True, values.flag, "noise across the characters of text pictures")
    audio_languages: tuple[str, ...] = _option(
        ("en",), values.languages, "languages in which text can be heard, the default one first (BCP 47)"
    )
    audio_recordings: Path | None = _option(
        None,
        values.path,
        "a folder of your own recordings, several takes a digit (`<language>/<digit>/<take>.wav`) or one "
        "(`<language>/<digit>.wav`); unset: espeak-ng",
    )
    audio_public_recordings: bool = _option(
        False,
        values.flag,
        "where there is neither, let English be said by the recordings of the extra `audio`: they are public, one take a "
        "digit, and whoever has them reads every challenge",
    )
    tile_size: int = _option(96, values.whole(32, 256), "width and height of a tile, in pixels")
    typefaces: Path | None = _option(
        None, values.path, "a folder of .ttf or .otf files to draw with; unset: the installed packages"
    )
    policy: str = _option(
        "default",
        values.text,
        "the policy of sites that name none: `lenient`, `default`, `strict` or one of the sites file",
    )
    work_first: WorkFirst = _option(
        "widget",
        values.one_of(*get_args(WorkFirst)),
        "who must do the policy's `work` before a picture is drawn: `widget` (whoever names a `kind`), `all` (1Captcha's own "
        "clients cannot) or `none`",
    )
    agents: Path | None = _option(
        None,
        values.path,
        "the file of pinned agents whose signatures count at the wall (extra `agents`; see agents.md)",
    )
    device_issuers: Path | None = _option(
        None,
        values.path,
        "the file of pinned issuers whose private tokens count where a site names `device` (see agents.md)",
    )
    trusted_proxies: tuple[str, ...] = _option(
        (),
        values.proxies,
        "addresses or networks of proxies whose X-Forwarded-* and risk headers count; `unix`: the peer of a Unix socket "
        "(`serve --uds`); `*`: every peer",
    )
    risk_header: str = _option(
        "",
        spelling.header,
        "the header in which a trusted proxy hands on a risk score from 0 to 100; empty: none",
    )
    risk_header_inverted: bool = _option(
        False,
        values.flag,
        "read that header the other way round: 100 is surely a person, as Cloudflare counts",
    )
    country_header: str = _option(
        "",
        spelling.header,
        "the header in which a trusted proxy names a visitor's country (ISO 3166), for rules; empty: none",
    )
    asn_header: str = _option(
        "",
        spelling.header,
        "the header in which a trusted proxy names the number of a visitor's autonomous system, for rules; empty: none",
    )
    crawlers: Path | None = _option(
        None,
        values.path,
        "the file of crawlers' networks, which `rules refresh` writes; unset: no crawler is verified by its address",
    )
    crawler_dns: bool = _option(
        False,
        values.flag,
        "verify crawlers that have no list by reverse and forward DNS, too (extra `dnsbl`)",
    )
    risk_networks: Path | None = _option(
        None, values.path, "a file of networks to `allow`, `block` or give a `score`, one a line"
    )
    risk_free_challenges: int = _option(
        300,
        values.whole(1, 1_000_000),
        "challenges of one site that a /24 or /64 may ask in five minutes before its risk rises",
    )
    dnsbl_zone: str = _option(
        "", values.zone, "a DNS blocklist to ask, such as zen.spamhaus.org; empty: none"
    )
    dnsbl_score: int = _option(
        60, values.whole(0, 100), "the risk of an address that the DNS blocklist lists"
    )
    work_wait_seconds: int = _option(
        2,
        values.whole(0, 60),
        "a RESTCaptcha token verified within so many seconds of its challenge is invalid",
    )
    health_key: str = _option(
        "",
        values.text,
        "the key that `/health` asks for, in X-API-KEY or as `Authorization: ApiKey`; empty: none",
        secret=True,
    )
    health_networks: tuple[str, ...] = _option(
        (), values.networks, "networks that `/health` answers; empty: all"
    )
    health_private: bool = _option(False, values.flag, "let `/health` answer private networks only")
    drain_seconds: int = _option(
        0, values.whole(0, 300), "after SIGTERM say not ready and go on serving for so long before stopping"
    )
    metrics: bool = _option(
        False, values.flag, "serve `/metrics` (extra `metrics`); keep it from the public, or set a key"
    )
    metrics_key: str = _option(
        "",
        values.text,
        "the key that `/metrics` asks for as `Authorization: Bearer`; empty: none",
        secret=True,
    )
    tracing: bool = _option(
        False, values.flag, "send a trace of each request (extra `otel`) to where the `OTEL_*` variables say"
    )
    log: LogForm = _option(
        "text",
        values.one_of(*get_args(LogForm)),
        "`text`, or `json`: one object a line, and one line a request",
    )
    rate_limit: tuple[str, ...] = _option(
        (),
        values.rates,
        "challenges of one site that a /24 or /64 may ask, such as `30/minute,300/hour` (extra `limits`); empty: no limit",
    )
    rate_limit_store: str = _option(
        "memory",
        values.store,
        "where they are counted: `memory` (each worker by itself) or a Redis URL (all replicas)",
        secret=True,
    )
    answers_a_minute: int = _option(
        1_200,
        values.whole(1, 1_000_000),
        "answers that a /24 or /64 may give in a minute, each of which the replay filter remembers; loopback is not counted",
    )
    queue: int = _option(
        64,
        values.whole(0, 10_000),
        "requests that may wait in each worker; more are told 503 and `Retry-After`",
    )
    replay: str = _option(
        "shared",
        values.replay,
        "where spent tokens are remembered: `memory` (one process), `shared` (all workers of a host), or a "
        "Redis URL (all replicas; see redis.md)",
        secret=True,
    )
    replay_dir: Path | None = _option(
        None,
        values.path,
        "`shared`: the folder of its file; unset: one of this key ring's own under `/dev/shm`",
    )
    replay_rate: int = _option(
        1_000,
        values.whole(1, 1_000_000),
        "marks a second that the replay filter has room for; one protocol alone may use two thirds (see capacity.md)",
    )
    replay_mode: ReplayMode = _option(
        "exact",
        values.one_of(*get_args(ReplayMode)),
        "Redis: `exact` (a key for each answer) or `compact` (Bloom filters, 6 bytes an answer)",
    )
    replay_prefix: str = _option(
        "captcha", values.text, "Redis: how the keys begin; name another to change the filter's settings"
    )
    replay_on_down: OnDown = _option(
        "refuse",
        values.one_of(*get_args(OnDown)),
        "Redis down: `refuse` (503), or `local`: each replica goes on alone, so that n replicas may honour a token n times",
    )
    cors_origins: tuple[str, ...] = _option(("*",), values.origins, "origins whose pages may call the API")
    public_url: str = _option(
        "",
        values.url,
        "the address under which clients reach this server, for URLs in answers; unset: the request's",
    )
    production: bool = _option(
        False,
        values.flag,
        "let `doctor` object to what is for trying things out only, and serve no playground",
    )
    page: bool = _option(
        True,
        values.flag,
        "serve the page to try it at `/`, and the playground at `/demo`: but not in production, nor with a sites file",
    )
    demo_replica: str = _option(
        "", values.url, "the address of another replica, which the playground shows beside this one"
    )

    @property
    def playground(self) -> bool:
        """Whether the playground is served: where there is nothing but the development site to play with."""
        return self.page and self.sites is None and not self.production

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> Self:
        """Read the environment and the TOML file that it names.

        Raises:
            Misconfigured: with one line for each mistake.
        """
        problems: list[str] = []
        texts = sources.read(environ, _SECRETS, problems)
        parsed: dict[str, Any] = {}
        for name, text in texts.items():
            try:
                parsed[name] = _OPTIONS[name]["parse"](text)
            except ValueError as error:
                shown = "its value" if _SECRETS[name] else repr(text)
                problems.append(f"{PREFIX}{name.upper()}: {shown} {error}")
        if problems:
            raise Misconfigured("\n".join(problems))
        return cls(**parsed)


_OPTIONS: dict[str, Mapping[str, Any]] = {option.name: option.metadata for option in fields(Settings)}
#: Which settings are secrets, by name.
_SECRETS: dict[str, bool] = {name: option["secret"] for name, option in _OPTIONS.items()}


def unknown(environ: Mapping[str, str]) -> Iterator[str]:
    """Warn of every ``CAPTCHA_*`` name that is no setting, with the nearest one that is."""
    return sources.unknown(environ, _SECRETS)


def table() -> str:
    """Write all settings as a Markdown table."""
    rows = ["| variable | default | meaning |", "| --- | --- | --- |"]
    for option in fields(Settings):
        names = " or ".join(
            f"`{name}`" for name in sources.variables(option.name, secret=_SECRETS[option.name])
        )
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
