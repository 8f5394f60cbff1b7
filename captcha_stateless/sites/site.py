"""The sites that a deployment serves: their keys, secrets, host names and what they ask of their visitors."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from captcha_stateless.errors import (
    BadBinding,
    Misconfigured,
    UnknownSite,
    WeakKind,
    WrongHost,
    WrongSecret,
    WrongSite,
)
from captcha_stateless.sites.policy import PRESETS, Policy
from captcha_stateless.tokens.digests import fingerprint, same
from captcha_stateless.wall import NO_RULES, Rules

_NOBODY = fingerprint("")
#: What counts at a site that names no kinds: pictures, and what people who do not see them can do instead. Work is no
#: proof of a person, so a site that lets it count says so.
DEFAULT_KINDS = ("grid", "text", "audio")


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One site.

    ``key`` is public (RelaySMS calls it client id), of the secret only the SHA-256 is kept. ``hosts`` may begin with ``*.``,
    which stands for every host below; without hosts every host is allowed. Without ``kinds`` the default ones count;
    ``profile`` and ``policy`` are the deployment's own where they are empty. ``returns`` are the addresses, to the letter, to
    which the page without scripts may send a pass. ``origin_required`` refuses requests that name no page, as those of apps
    and servers do. ``rules`` say who passes the wall unasked; with ``bound`` a clearance counts in the network alone, a /24
    or /64, that earned it.
    """

    name: str
    key: str
    secret_sha256: bytes
    hosts: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    profile: str = ""
    policy: str = ""
    returns: tuple[str, ...] = ()
    origin_required: bool = False
    rules: Rules = field(default=NO_RULES, compare=False)
    bound: bool = False

    @property
    def counting(self) -> tuple[str, ...]:
        """The kinds of challenge that count."""
        return self.kinds or DEFAULT_KINDS

    def require_host(self, host: str) -> None:
        """Refuse a host name (without port) that is not this site's.

        Raises:
            WrongHost: when none of the site's hosts stands for it.
        """
        if self.hosts and not any(_covers(pattern, host.lower().rstrip(".")) for pattern in self.hosts):
            raise WrongHost("host is not among the site's")

    def require_origin(self) -> None:
        """Refuse a request that names no page, where the site asks for one.

        Raises:
            WrongHost: when it does.
        """
        if self.origin_required:
            raise WrongHost("the site asks for an Origin")

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
            WeakKind: when it is none of those that count.
        """
        if kind not in self.counting:
            raise WeakKind("kind does not count at this site")

    def require_policy(self, name: str) -> None:
        """Refuse a policy under which no rule asks.

        Raises:
            BadBinding: when none does: nobody chooses an easier one by himself.
        """
        if name not in self.rules.policies:
            raise BadBinding("no rule of the site asks under this policy")

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
            for policy in (site.policy, *sorted(site.rules.policies)):
                if policy and policy not in policies:
                    raise Misconfigured(f"site {site.key}: no policy is named {policy}")
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
    kinds=(*DEFAULT_KINDS, "work"),
)


#: What is served without a sites file.
DEVELOPMENT_SITES = Sites([DEVELOPMENT])


def _covers(pattern: str, host: str) -> bool:
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern
