"""The tree of refusals.

Each error has a short, stable ``code``; a protocol adapter maps the type to its own words and tells a caller no more than
that, while the message is for the operator's log and never holds a token, an answer, a secret or an address.

::

    CaptchaError
    ├── Refused             the token or the answer is not honoured
    │   ├── BadToken        not a token of ours, or one for another purpose
    │   ├── Expired         its deadline has passed
    │   ├── Spent           every try is used up
    │   ├── TooSoon         answered faster than the protocol allows
    │   └── WrongAnswer     judged, and not right
    ├── BadRequest          the request has not the form that was asked for; nothing was spent
    │   ├── BadBinding      site, host, action or cdata that no pass could hold
    │   └── BadAnswer       the answer has not the form of the challenge's kind
    ├── Denied              the caller may not ask this
    │   ├── UnknownSite     no site has this key
    │   ├── WrongSecret     the secret is not the site's
    │   ├── WrongHost       the host is not among the site's
    │   ├── WrongSite       the pass was earned for another site
    │   ├── WeakKind        the site does not let challenges of this kind count
    │   └── Blocked         the risk is too high
    ├── TooMany             the caller's network asks too much, too fast
    ├── Unavailable         a part is down: fail closed, come back later
    │   └── Overloaded      too many requests wait already; nothing was begun
    └── Misconfigured       settings, keys or fonts that cannot work; the message says what to change
"""

from typing import ClassVar


class CaptchaError(Exception):
    """Root of every error that this package raises on purpose."""

    code: ClassVar[str] = "error"


class Refused(CaptchaError):
    """The token or the answer is not honoured."""

    code = "refused"


class BadToken(Refused):
    """The text is not a token of ours, or is one for another purpose: which of the two is never said."""

    code = "bad-token"


class Expired(Refused):
    """The token's deadline has passed."""

    code = "expired"


class Spent(Refused):
    """Every try of the token is used up."""

    code = "spent"


class TooSoon(Refused):
    """The answer came faster than the protocol allows."""

    code = "too-soon"


class WrongAnswer(Refused):
    """The answer was judged, and is not right."""

    code = "wrong-answer"


class BadRequest(CaptchaError):
    """The request has not the form that was asked for; nothing was spent."""

    code = "bad-request"


class BadBinding(BadRequest):
    """A site, host, action or cdata that no pass could hold."""

    code = "bad-binding"


class BadAnswer(BadRequest):
    """The answer has not the form of the challenge's kind; nothing was spent.

    ``problem`` is one of a kind's few words for what is wrong, for adapters that must name it.
    """

    code = "bad-answer"

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


class Denied(CaptchaError):
    """The caller may not ask this."""

    code = "denied"


class UnknownSite(Denied):
    """No site has this key."""

    code = "unknown-site"


class WrongSecret(Denied):
    """The secret is not the site's, or nobody's."""

    code = "wrong-secret"


class WrongHost(Denied):
    """The host name is not among the site's."""

    code = "wrong-host"


class WrongSite(Denied):
    """The pass was earned for another site."""

    code = "wrong-site"


class WeakKind(Denied):
    """The site does not let challenges of this kind count."""

    code = "weak-kind"


class Blocked(Denied):
    """The policy refuses a request of this risk."""

    code = "blocked"


class Unavailable(CaptchaError):
    """A part is down: the server fails closed, and the caller may come back later.

    ``retry_after_seconds`` is what the ``Retry-After`` header should say (RFC 9110, section 10.2.3).
    """

    code = "unavailable"

    def __init__(self, message: str, *, retry_after_seconds: int = 1) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class Overloaded(Unavailable):
    """Too many requests wait already; nothing was begun."""

    code = "overloaded"


class TooMany(CaptchaError):
    """The caller's network asks too much, too fast; ``retry_after_seconds`` as for :class:`Unavailable`."""

    code = "too-many"

    def __init__(self, message: str, *, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class Misconfigured(CaptchaError):
    """Settings, keys or fonts that cannot work; the message is a sentence that says what to change."""

    code = "misconfigured"
