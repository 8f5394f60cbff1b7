"""Cap: hashes behind many salts, or a time-lock, for its widget; what they earn is a pass of ours.

The endpoint that a widget is given names the site: ``/KEY/``, or ``/KEY/format2/`` for the second format, in which salts are
spelled out. A policy whose rule says ``time_lock = true`` asks for squarings instead, in the second format wherever it is
asked for. There is no instrumentation: what a widget says of its own is not read. ``/KEY/siteverify`` is
:mod:`captcha_stateless.protocols.siteverify`'s.
"""

from functools import partial
from http import HTTPStatus
from typing import ClassVar

from starlette.requests import Request
from starlette.responses import Response

from captcha_stateless.errors import (
    BadAnswer,
    BadRequest,
    BadToken,
    Blocked,
    CaptchaError,
    Expired,
    Refused,
    Spent,
    TooMany,
    Unavailable,
    UnknownSite,
    WrongAnswer,
    WrongHost,
)
from captcha_stateless.formats import cap as forms
from captcha_stateless.http.bodies import read_json
from captcha_stateless.http.endpoint import BodyTooLarge, MethodNotAllowed
from captcha_stateless.http.replies import Json
from captcha_stateless.model import Params, Sealed
from captcha_stateless.protocols.base import Adapter, Table, wording
from captcha_stateless.puzzles import cap, timelock
from captcha_stateless.sites.guard import Demand

#: The widget reads ``error`` alone; the words are those of Cap's own server.
WORDS: dict[type[CaptchaError], tuple[HTTPStatus, str]] = {
    WrongAnswer: (HTTPStatus.FORBIDDEN, "Invalid solution"),
    BadAnswer: (HTTPStatus.BAD_REQUEST, "Invalid solution"),
    Expired: (HTTPStatus.FORBIDDEN, "Challenge expired"),
    Spent: (HTTPStatus.FORBIDDEN, "Challenge already redeemed"),
    BadToken: (HTTPStatus.FORBIDDEN, "Invalid challenge token"),
    Refused: (HTTPStatus.FORBIDDEN, "Invalid challenge token"),
    UnknownSite: (HTTPStatus.NOT_FOUND, "Invalid site key or secret"),
    WrongHost: (HTTPStatus.FORBIDDEN, "Origin not allowed"),
    Blocked: (HTTPStatus.FORBIDDEN, "Blocked"),
    TooMany: (HTTPStatus.TOO_MANY_REQUESTS, "Rate limited"),
    BodyTooLarge: (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Body too large"),
    MethodNotAllowed: (HTTPStatus.METHOD_NOT_ALLOWED, "Method not allowed"),
    BadRequest: (HTTPStatus.BAD_REQUEST, "Missing required fields"),
    Unavailable: (HTTPStatus.SERVICE_UNAVAILABLE, "Temporarily unavailable"),
    CaptchaError: (HTTPStatus.BAD_REQUEST, "Refused"),
}


class Cap(Adapter):
    """``POST /KEY/challenge`` and ``/KEY/redeem``, and both below ``/KEY/format2`` too."""

    name: ClassVar[str] = "cap"
    draws: ClassVar[bool] = True

    def table(self) -> Table:
        """Name the paths."""
        return {
            "/{sitekey}/challenge": {"POST": partial(self.challenge, 1)},
            "/{sitekey}/redeem": {"POST": self.redeem},
            "/{sitekey}/format2/challenge": {"POST": partial(self.challenge, 2)},
            "/{sitekey}/format2/redeem": {"POST": self.redeem},
        }

    def warm(self) -> None:
        """Make the factors of the time-lock, where a policy asks for it."""
        rules = [rule for policy in self.sites.policies.values() for rule in policy.rules]
        if any(rule.params.get("time_lock") for rule in rules):
            self.engine.renderer.prepare("work", {"puzzle": timelock.TimeLock.name})

    async def challenge(self, version: int, request: Request) -> Response:
        """Begin: the hashes, or the squarings."""
        asked = request.query_params
        binding = self.bind(
            request,
            request.path_params["sitekey"],
            action=asked.get("action", ""),
            cdata=asked.get("cdata", ""),
        )
        self.sites.find(binding.site)
        sealed = await self.gate.issue_policed(
            self.caller(request),
            binding,
            self.name,
            ("work",),
            partial(_completed, version),
            puzzles=(cap.Cap.name, timelock.TimeLock.name),
        )
        return Json(_worded(sealed))

    async def redeem(self, request: Request) -> Response:
        """Judge the solutions; the pass is what siteverify takes."""
        site = self.sites.find(request.path_params["sitekey"])
        token, solutions = forms.answer(await read_json(request))
        claims = self.engine.look(token, self.name)
        if claims.site != site.key:
            raise BadToken("token of another site")
        locked = claims.params["puzzle"] == timelock.TimeLock.name
        if locked and len(solutions) != 1:
            raise BadAnswer("a time-lock has one solution")
        answer: object = solutions[0] if locked else (token, solutions)
        earned = self.gate.vouch(await self.gate.redeem(self.caller(request), claims, answer))
        return Json(forms.redeemed(earned.token, earned.claims.exp))

    def word(self, error: CaptchaError) -> Response:
        """Word a refusal as ``{"success": false, "error": …}``."""
        status, words = wording(WORDS, error)
        return Json({"success": False, "error": words}, status)


def _completed(version: int, demand: Demand) -> Params:
    if demand.params.get("time_lock"):
        return {**demand.params, "puzzle": timelock.TimeLock.name}
    return {**demand.params, "puzzle": cap.Cap.name, "format": version}


def _worded(sealed: Sealed) -> dict[str, object]:
    claims, params = sealed.claims, sealed.claims.params
    if params["puzzle"] == timelock.TimeLock.name:
        assert sealed.challenge is not None
        modulus, base = sealed.challenge.shown
        return forms.challenge_lock(sealed.token, modulus, base, timelock.squarings(params), claims.exp)
    size = cap.size(params)
    if params["format"] == 1:
        return forms.challenge_1(sealed.token, size, claims.exp)
    return forms.challenge_2(sealed.token, cap.pairs(cap.stem(sealed.token, params), params), claims.exp)
