"""The sites that a deployment serves: their keys, secrets, host names and what they ask of their visitors."""

import json
import re
import stat
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from captcha_stateless import policy as policies
from captcha_stateless.digests import fingerprint, same
from captcha_stateless.errors import Misconfigured, UnknownSite, WeakKind, WrongHost, WrongSecret, WrongSite
from captcha_stateless.policy import PRESETS, Policy

_MAX_FILE_BYTES = 1_048_576
_NOBODY = fingerprint("")
_OWNER_ONLY = 0o600
# No user, no fragment, and nothing that could end an attribute or a directive of a policy.
_ADDRESS = re.compile(r"https?://[A-Za-z0-9.\-]+(:\d{1,5})?(/[A-Za-z0-9._~%!$&()*+=:@/?\-]*)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One site.

    ``key`` is public (RelaySMS calls it client id), of the secret only the SHA-256 is kept. ``hosts`` may begin with ``*.``,
    which stands for every host below; without hosts every host is allowed. Without ``kinds`` every kind is; ``profile`` and
    ``policy`` are the deployment's own where they are empty. ``returns`` are the addresses, to the letter, to which the page
    without scripts may send a pass.
    """

    name: str
    key: str
    secret_sha256: bytes
    hosts: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    profile: str = ""
    policy: str = ""
    returns: tuple[str, ...] = ()

    def require_host(self, host: str) -> None:
        """Refuse a host name (without port) that is not this site's.

        Raises:
            WrongHost: when none of the site's hosts stands for it.
        """
        if self.hosts and not any(_covers(pattern, host.lower().rstrip(".")) for pattern in self.hosts):
            raise WrongHost("host is not among the site's")

    def require_own(self, key: str) -> None:
        """Refuse what was earned for another site.

        Raises:
            WrongSite: when the key is not this site's.
        """
        if key != self.key:
            raise WrongSite("pass of another site")

    def require_kind(self, kind: str) -> None:
        """Refuse a kind of challenge that does not count here.

        Raises:
            WeakKind: when the site names its kinds and this is none of them.
        """
        if self.kinds and kind not in self.kinds:
            raise WeakKind("kind does not count at this site")

    def require_secret(self, secret: str) -> None:
        """Refuse a secret that is not this site's, in constant time.

        Raises:
            WrongSecret: when it is another.
        """
        if not same(fingerprint(secret), self.secret_sha256):
            raise WrongSecret("secret is not the site's")


class Sites:
    """Every site, found by its key or by its secret, and the policies that sites name."""

    def __init__(self, sites: Iterable[Site], policies: Mapping[str, Policy] = PRESETS) -> None:
        """Take the sites.

        Raises:
            Misconfigured: when two share a key or a secret, or one names a policy that is not there.
        """
        self.all = tuple(sites)
        self.policies = policies
        for site in self.all:
            if site.policy and site.policy not in policies:
                raise Misconfigured(f"site {site.key}: no policy is named {site.policy}")
        self._by_key = {site.key: site for site in self.all}
        self._by_secret = {site.secret_sha256: site for site in self.all}
        if len(self._by_key) != len(self.all) or len(self._by_secret) != len(self.all):
            raise Misconfigured("two sites share a key or a secret; give each site its own")

    @property
    def default(self) -> Site | None:
        """The site that is meant where none is named: the first."""
        return self.all[0] if self.all else None

    def find(self, key: str) -> Site:
        """Find a site by its public key.

        Raises:
            UnknownSite: when there is none.
        """
        try:
            return self._by_key[key]
        except KeyError:
            raise UnknownSite("there is no such site") from None

    def get(self, key: str) -> Site | None:
        """Find a site by its public key; None where there is none."""
        return self._by_key.get(key)

    def policy(self, site: Site | None, default: str) -> Policy:
        """Find a site's policy: its own, or the deployment's."""
        return self.policies[site.policy if site and site.policy else default]

    def authenticate(self, secret: str) -> Site:
        """Find the site whose secret this is: an unknown one costs as much time as a known one.

        Raises:
            WrongSecret: when it is nobody's.
        """
        given = fingerprint(secret)
        site = self._by_secret.get(given)
        if not same(given, site.secret_sha256 if site else _NOBODY) or site is None:
            raise WrongSecret("secret is nobody's")
        return site


DEVELOPMENT_SECRET = "dev-secret"  # noqa: S105 - public on purpose

#: What is served without a sites file, for trying things out: the secret is as public as the key.
DEVELOPMENT = Site(
    name="Development",
    key="dev-site",
    secret_sha256=fingerprint(DEVELOPMENT_SECRET),
    hosts=("localhost", "127.0.0.1", "::1"),
)


def load(path: Path) -> Sites:
    """Read the sites from their TOML file, one ``[[site]]`` table each, and the policies, one ``[[policy]]`` table each.

    Raises:
        Misconfigured: when the file cannot be read, or a site is not of that form.
    """
    try:
        with path.open("rb") as file:
            document = tomllib.loads(file.read(_MAX_FILE_BYTES).decode("utf-8"))
    except OSError as error:
        raise Misconfigured(f"cannot read the sites file {path} ({error.strerror})") from None
    except (ValueError, RecursionError) as error:
        raise Misconfigured(f"{path} is not TOML: {error}") from None
    entries = {name: _tables(path, name, document.pop(name, [])) for name in ("site", "policy")}
    if document:
        raise Misconfigured(f"{path} may hold [[site]] and [[policy]] tables only")
    made = (_site(path, number, entry) for number, entry in enumerate(entries["site"], 1))
    return Sites(made, policies.parse(str(path), entries["policy"]))


def _tables(path: Path, name: str, value: object) -> list[dict[str, Any]]:
    if not (isinstance(value, list) and all(isinstance(table, dict) for table in value)):
        raise Misconfigured(f"{path}: {name} must be [[{name}]] tables")
    return value


def make(name: str, key: str, secret: str, **options: Any) -> Site:
    """Make a site of what an operator says, as :func:`load` would read it.

    Raises:
        Misconfigured: when it is not of a site's form.
    """
    sha256 = fingerprint(secret).hex()
    return _site(Path("the new site"), 1, {"name": name, "key": key, "secret_sha256": sha256, **options})


def append(path: Path, site: Site) -> None:
    """Add a site to the end of its file in one step, leaving the rest of the file as it is.

    Raises:
        Misconfigured: when the file cannot be read or written, or a site of this key or secret is there already.
    """
    before = load(path).all if path.exists() else ()
    Sites([*before, site])
    try:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.new")
        temporary.write_text(f"{text.rstrip()}\n\n{_written(site)}".lstrip(), encoding="utf-8")
        temporary.chmod(stat.S_IMODE(path.stat().st_mode) if path.exists() else _OWNER_ONLY)
        temporary.replace(path)
    except OSError as error:
        raise Misconfigured(f"cannot write the sites file {path} ({error.strerror})") from None


def _written(site: Site) -> str:
    lists = {"hosts": site.hosts, "kinds": site.kinds, "returns": site.returns}
    lines = [
        "[[site]]",
        *(f"{name} = {_quoted(text)}" for name, text in (("name", site.name), ("key", site.key))),
        f'secret_sha256 = "{site.secret_sha256.hex()}"',
        *(f"{name} = [{', '.join(map(_quoted, texts))}]" for name, texts in lists.items() if texts),
        *(
            f"{name} = {_quoted(text)}"
            for name, text in (("profile", site.profile), ("policy", site.policy))
            if text
        ),
    ]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    # A JSON string is a TOML basic string (TOML 1.0), but for the one control character that JSON leaves bare.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _site(path: Path, number: int, entry: Mapping[str, Any]) -> Site:
    where = f"{path}, site {number}"
    known = {
        "name": str,
        "key": str,
        "secret_sha256": str,
        "profile": str,
        "policy": str,
        "hosts": list,
        "kinds": list,
        "returns": list,
    }
    for field, value in entry.items():
        if field not in known or not isinstance(value, known[field]):
            raise Misconfigured(f"{where}: {field} is unknown or of the wrong type")
    try:
        secret_sha256 = bytes.fromhex(entry["secret_sha256"])
        name, key = entry["name"], entry["key"]
    except (KeyError, ValueError):
        raise Misconfigured(
            f"{where}: name, key and secret_sha256 (64 hexadecimal digits) are needed"
        ) from None
    if len(secret_sha256) != len(_NOBODY) or not (0 < len(key) <= 64 and key.isascii() and key.isprintable()):
        raise Misconfigured(
            f"{where}: key must be 1 to 64 ASCII characters, secret_sha256 64 hexadecimal digits"
        )
    return Site(
        name=name,
        key=key,
        secret_sha256=secret_sha256,
        hosts=_texts(where, entry.get("hosts", [])),
        kinds=_texts(where, entry.get("kinds", [])),
        profile=entry.get("profile", ""),
        policy=entry.get("policy", ""),
        returns=_addresses(where, entry.get("returns", [])),
    )


def _texts(where: str, values: list[Any]) -> tuple[str, ...]:
    if not all(isinstance(value, str) for value in values):
        raise Misconfigured(f"{where}: hosts and kinds are lists of text")
    return tuple(value.lower() for value in values)


def _addresses(where: str, values: list[Any]) -> tuple[str, ...]:
    if not all(isinstance(value, str) and _ADDRESS.fullmatch(value) for value in values):
        raise Misconfigured(f"{where}: returns are addresses such as https://shop.example/sign-up")
    return tuple(values)


def _covers(pattern: str, host: str) -> bool:
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern
