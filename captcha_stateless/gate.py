"""The one gate: whoever wants a challenge, or answers one, comes through here, whatever the protocol.

Rule 1: what is asked for is looked at in one order: the site and the page's host; the block list, the risk and the site's
policy; the rate of the caller's network; whether the kind counts at the site; and only then something is drawn.

Rule 2: every token holds ``who``, a keyed hash of the network that asked, so that any replica can count its failure.

Rule 3: what a visitor can make the replay filter remember is metered by network before it is remembered.

Rule 4: a pass is made for a kind that counts at its site, and for no other.

Rule 5: a run for the wall is drawn under the policy, and with the weight, that its action names; only a policy that the
site's own rules ask under can be named, and its passes open the wall alone.

An adapter parses and words; it asks the engine for no challenge by itself, and a test holds that.
"""

import re
from collections.abc import Callable, Collection
from typing import NamedTuple

from captcha_stateless.engine import Engine
from captcha_stateless.errors import BadBinding, Expired, WrongHost
from captcha_stateless.model import Answered, Claims, Params, Sealed, Signed
from captcha_stateless.puzzles import Zeros
from captcha_stateless.risk import Caller
from captcha_stateless.sites import Site, Sites, testkeys
from captcha_stateless.sites.guard import Demand, Guard
from captcha_stateless.sites.policy import Policy
from captcha_stateless.sites.terms import DEVICE
from captcha_stateless.wall.asked import asked

#: What other systems take as an action and as customer data; the passes bound all of a binding together.
_ACTION = re.compile(r"[A-Za-z0-9_/-]{0,32}")
_CDATA = re.compile(r"[ -~]{0,255}")


class Binding(NamedTuple):
    """What a run is bound to: the site's key (empty: none), the page's host (empty: unknown), the page's own words."""

    site: str
    host: str
    action: str = ""
    cdata: str = ""


class Gate:
    """Decides who gets which challenge, has it drawn and sealed, and lets answers in."""

    def __init__(
        self,
        engine: Engine,
        sites: Callable[[], Sites],
        guard: Guard,
        *,
        default_policy: str,
        test_keys: bool = False,
    ) -> None:
        """Take the sites as a call, for they may change at any time."""
        self._engine, self._sites, self._guard = engine, sites, guard
        self._default_policy, self._test_keys = default_policy, test_keys

    def bind(self, host: str | None, key: str | None, *, action: str = "", cdata: str = "") -> Binding:
        """Tell what a run is bound to: the named site, or else the default one where the page's host is among its hosts.

        Args:
            host: the page's host name; None: the request names no page, as those of apps and servers do.
            key: the site's key; None or empty: none is named.
            action: what the page says that the run is for.
            cdata: the page's own words for the run.

        Raises:
            UnknownSite: when no site has this key.
            WrongHost: when the page's host is not among the named site's, or the site asks for one and there is none.
            BadBinding: when action or cdata is not of the form that other systems take, or a pass could not hold all.
        """
        if (action or cdata) and not (_ACTION.fullmatch(action) and _CDATA.fullmatch(cdata)):
            raise BadBinding("action takes 32 letters, digits, _, - and /; cdata takes 255 printable ones")
        site = self._named(key, host) if key else self._default(host)
        if policy := asked(action).policy:
            self._sites().find(site).require_policy(policy)
        self._engine.passes.require_room(site, host or "", action, cdata)
        return Binding(site, host or "", action, cdata)

    async def issue(
        self,
        caller: Caller,
        binding: Binding,
        purpose: str,
        kind: str,
        wanted: Params | None = None,
        *,
        tries: int = 1,
        after: Answered | None = None,
    ) -> Sealed:
        """Draw a challenge of one kind, harder for a network that failed much.

        Args:
            caller: who asks.
            binding: what :meth:`bind` told.
            purpose: the protocol that asks; the token serves no other.
            kind: which kind of challenge.
            wanted: what sort of it; a grid's profile is the site's or its policy's unless it is wanted here.
            tries: how many answers are judged.
            after: the answer that opens this run, where one had to be given before.

        Raises:
            Blocked: when the block list or the policy refuses the caller.
            TooMany: when the caller's network has asked, or failed, too often.
            WeakKind: when challenges of this kind do not count at the site.
            BadRequest: when there is no such challenge.
        """
        policy = self.policy(binding.site, binding.action)
        weighed = caller.weighed(asked(binding.action).weight)
        demand = await self._guard.weigh(weighed, binding.site, policy, kind)
        await self._guard.limit(caller, binding.site, policy, kind)
        self.require_kind(binding.site, kind)
        if kind == "grid":
            wanted = {**self.profile(binding.site, binding.action), **(wanted or {})}
        return self._engine.issue(
            purpose,
            kind,
            wanted,
            tries=tries,
            who=demand.who,
            harder=demand.steps,
            after=after,
            risk=demand.risk,
            **binding._asdict(),
        )

    async def issue_policed(
        self,
        caller: Caller,
        binding: Binding,
        purpose: str,
        kinds: Collection[str],
        complete: Callable[[Demand], Params] = lambda demand: demand.params,
        *,
        puzzles: Collection[str] = (Zeros.name,),
        wait_seconds: float = 0,
        after: Answered | None = None,
    ) -> Sealed:
        """Draw what the site's policy asks of this caller, among the kinds that the protocol can word.

        Args:
            caller: who asks.
            binding: what :meth:`bind` told; a site is named.
            purpose: the protocol that asks.
            kinds: the kinds.
            complete: makes what the policy asks for into what the protocol can word.
            puzzles: how it words work.
            wait_seconds: an answer before that is too soon.
            after: as for :meth:`issue`.

        Raises:
            Blocked: when the policy leaves none of the kinds, or of the puzzles; and as :meth:`issue` does.
        """
        site = self._sites().find(binding.site)
        allowed = [kind for kind in kinds if kind in site.counting]
        policy = self.policy(site.key, binding.action)
        weighed = caller.weighed(asked(binding.action).weight)
        demand = await self._guard.demand(weighed, site.key, policy, allowed, puzzles)
        await self._guard.limit(caller, site.key, policy, demand.kind)
        return self._engine.issue(
            purpose,
            demand.kind,
            complete(demand),
            harder=demand.steps,
            who=demand.who,
            risk=demand.risk,
            wait_seconds=wait_seconds,
            after=after,
            **binding._asdict(),
        )

    async def leads(self, caller: Caller, binding: Binding) -> str:
        """Tell to which kind that counts the policy leads the caller now, as :meth:`Guard.leads` does."""
        policy, site = self.policy(binding.site, binding.action), self._sites().find(binding.site)
        weighed = caller.weighed(asked(binding.action).weight)
        return await self._guard.leads(weighed, site.key, policy, site.counting)

    def first(
        self, caller: Caller, binding: Binding, purpose: str, seconds: int, kind: str, *, counted: bool
    ) -> Sealed | None:
        """Seal the work that the caller must do before a kind is drawn for the site; None where there is none.

        Args:
            caller: who asks.
            binding: what :meth:`bind` told.
            purpose: the protocol's purpose for such work.
            seconds: how long it may wait for its visitor.
            kind: what shall be drawn; empty: what the policy says.
            counted: whether to count that something is asked for; not where a page only wants to know.

        Raises:
            Blocked: when the caller is on the block list.
        """
        site, policy = binding.site, self.policy(binding.site, binding.action)
        demand = self._guard.first(caller, site, policy, kind, counted=counted)
        if not demand.kind:
            return None
        params = {**demand.params, "seconds": seconds}
        return self._engine.issue(purpose, demand.kind, params, who=demand.who, site=site)

    def require_own(self, caller: Caller, claims: Claims) -> None:
        """Refuse what another network was asked for: one clean address would work for many.

        Raises:
            Expired: when it was another; a visitor whose address changed begins anew.
            Blocked: when the caller is on the block list.
        """
        if claims.who != self._guard.who(caller, claims.site):
            raise Expired("asked of another network")

    async def again(self, caller: Caller, claims: Claims) -> None:
        """Let a challenge be shown, said or extended once more: it counts as one that is asked for.

        Raises:
            Blocked: when the caller is on the block list.
            TooMany: when the caller's network has asked the site for too many.
            WeakKind: when challenges of this kind do not count at the site any more.
        """
        self.require_kind(claims.site, claims.kind)
        self._guard.who(caller, claims.site)
        await self._guard.limit(caller, claims.site, self.policy(claims.site, claims.action), claims.kind)

    def admit(self, caller: Caller) -> None:
        """Let a caller in who asks for nothing that is counted, as :meth:`Guard.admit` does."""
        self._guard.admit(caller)

    def network(self, caller: Caller, site: str) -> bytes:
        """Tell the keyed hash under which a caller's network is known at a site, as :meth:`Guard.who` does."""
        return self._guard.who(caller, site)

    async def redeem(self, caller: Caller, claims: Claims, answer: object) -> Answered:
        """Use up a try of a token, as :meth:`Judge.redeem` does.

        Raises:
            TooMany: when the caller's network makes the filter remember, or the judge work, too much; nothing is spent.
        """
        self._guard.meter(caller, self._engine.judge.price(claims))
        return await self._engine.judge.redeem(claims, answer)

    async def play(self, caller: Caller, claims: Claims, answer: object, *, asked: bytes = b"") -> Answered:
        """Redeem a stage of a run, as :meth:`Judge.play` does; raises as :meth:`redeem`."""
        self._guard.meter(caller)
        return await self._engine.judge.play(claims, answer, asked=asked)

    async def revoke(self, caller: Caller, claims: Claims) -> None:
        """Use up every try of a token for a visitor, as :meth:`Judge.revoke` does; raises as :meth:`redeem`."""
        self._guard.meter(caller)
        await self._engine.judge.revoke(claims)

    def wanted_of_device(self, caller: Caller, binding: Binding, host: str) -> str:
        """Word what a device may bring instead of solving anything, for ``WWW-Authenticate``; empty: nothing.

        Args:
            caller: who asks.
            binding: what :meth:`bind` told.
            host: under which host name the request came.

        Raises:
            Blocked: when the caller is on the block list.
        """
        if not self.counts(binding.site, DEVICE):
            return ""
        site = self._sites().find(binding.site)
        return self._engine.devices.ask(site, self._guard.who(caller, site.key), host)

    async def device(self, caller: Caller, binding: Binding, host: str, authorization: str) -> Answered:
        """Take the token in a device's ``Authorization`` header for a solved challenge, once.

        Arguments as for :meth:`wanted_of_device`; the network is the one that was asked.

        Raises:
            Refused: when the token does not count, or counted before.
            UnknownSite, WeakKind: when devices do not count at the site.
            Blocked, TooMany, Unavailable: as for :meth:`issue` and :meth:`redeem`.
        """
        site = self._sites().find(binding.site)
        self.require_kind(site.key, DEVICE)
        policy, weighed = self.policy(site.key, binding.action), caller.weighed(asked(binding.action).weight)
        demand = await self._guard.weigh(weighed, site.key, policy, DEVICE)
        await self._guard.limit(caller, site.key, policy, DEVICE)
        claims = self._engine.devices.recognise(authorization, site, demand.who, host)
        self._guard.meter(caller)
        await self._engine.judge.consume(claims)
        return Answered(claims._replace(**binding._asdict(), risk=demand.risk), self._engine.now())

    def vouch(self, answered: Answered) -> Signed:
        """Sign the pass that a solved run earns, worth what the site's policy says.

        Raises:
            WeakKind: when challenges of its kind do not count at its site.
        """
        claims = answered.claims
        self.require_kind(claims.site, claims.kind)
        worth = self.policy(claims.site, claims.action).worth(claims.kind, claims.risk)
        site = self._sites().get(claims.site)
        return self._engine.passes.vouch(answered, worth, bound=site is not None and site.bound)

    def require_kind(self, key: str, kind: str) -> None:
        """Refuse a kind that does not count at a site; where there is no site, every kind does.

        Raises:
            WeakKind: when it does not.
        """
        site = self._sites().get(key)
        if site:
            site.require_kind(kind)

    def counts(self, key: str, kind: str) -> bool:
        """Tell whether a kind counts at a site; where there is no site, none does."""
        site = self._sites().get(key)
        return site is not None and kind in site.counting

    def policy(self, key: str, action: str = "") -> Policy:
        """Find the policy that a run for the wall names, a site's own, or the deployment's where there is no such site."""
        sites = self._sites()
        named = sites.policies.get(asked(action).policy)
        return named or sites.policy(sites.get(key), self._default_policy)

    def profile(self, key: str, action: str = "") -> Params:
        """Tell which grid is shown: a policy's that a run names, the site's own, its policy's; empty: the deployment's."""
        site, policy = self._sites().get(key), self.policy(key, action).profile
        own = site.profile if site else ""
        profile = (policy or own) if asked(action).policy else (own or policy)
        return {"profile": profile} if profile else {}

    def _named(self, key: str, host: str | None) -> str:
        if self._test_keys and key in testkeys.SITES:
            return key
        return _hosting(self._sites().find(key), host)

    def _default(self, host: str | None) -> str:
        site = self._sites().default
        try:
            return _hosting(site, host) if site else ""
        except WrongHost:
            return ""  # a run that is bound to no site, whose pass no secret can redeem


def _hosting(site: Site, host: str | None) -> str:
    if host is None:
        site.require_origin()
    elif host:
        site.require_host(host)
    return site.key
