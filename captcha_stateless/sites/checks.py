"""What of sites and policies can be read, but cannot work."""

from collections.abc import Callable, Iterator, Mapping
from typing import get_args

from captcha_stateless.errors import BadRequest, Misconfigured
from captcha_stateless.model import Params
from captcha_stateless.puzzles import PUZZLES
from captcha_stateless.settings import Profile, spelling
from captcha_stateless.sites.site import Site, Sites
from captcha_stateless.sites.terms import DEVICE, TERMS
from captcha_stateless.wall import checks as wall
from captcha_stateless.wall.checks import Known

#: One rule serves every protocol: of work, each puzzle must be what it asks for.
_WAYS: Mapping[str, tuple[Params, ...]] = {"work": tuple({"puzzle": name} for name in PUZZLES)}


def fit(site: Site, here: Known) -> Iterator[str]:
    """Tell what of a site can be read, but cannot work, where so much can be known of visitors."""
    for kind in site.kinds:
        if kind not in TERMS:
            yield f"site {site.key}: there is no kind {kind}; choose from {', '.join(TERMS)}"
    if site.counting == (DEVICE,):
        yield f"site {site.key}: devices alone count; name another kind for whoever has none"
    if site.profile and site.profile not in get_args(Profile):
        yield f"site {site.key}: there is no profile {site.profile}; choose from {', '.join(get_args(Profile))}"
    for host in site.hosts:
        try:
            spelling.host(host)
        except ValueError as error:
            yield f"site {site.key}: {host} {error}"
    for problem in wall.problems(site.rules, here):
        yield f"site {site.key}, {problem}"


def problems(
    served: Sites, default: str, plan: Callable[[str, Params], Params], here: Known
) -> Iterator[str]:
    """Tell what of all sites, and of the policies that they name, cannot work.

    Args:
        served: the sites.
        default: the policy of sites that name none.
        plan: completes what is wanted of a kind; raises BadRequest when there is no such challenge.
        here: what can be known of visitors.
    """
    for site in served.all:
        yield from fit(site, here)
    if default not in served.policies:
        yield f"CAPTCHA_POLICY: no policy is named {default}"
    for policy in served.policies.values():
        asked = [
            (rule.kind, {**rule.params, **way})
            for rule in policy.rules
            if rule.kind
            for way in _WAYS.get(rule.kind, ({},))
        ]
        asked += [("grid", {"profile": policy.profile})] if policy.profile else []
        for kind, params in asked:
            try:
                plan(kind, params)
            except BadRequest as error:
                yield f"policy {policy.name}: {error}"


def require_fit(served: Sites, default: str, plan: Callable[[str, Params], Params], here: Known) -> Sites:
    """Return the sites, if nothing of them is told by :func:`problems`.

    Raises:
        Misconfigured: with one line for each problem.
    """
    found = "\n".join(problems(served, default, plan, here))
    if found:
        raise Misconfigured(found)
    return served
