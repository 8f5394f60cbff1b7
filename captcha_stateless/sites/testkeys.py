"""The public test keys that other systems document too: for the tests of a site, never for its visitors.

Whoever knows them passes every check, so they work only where ``CAPTCHA_TEST_KEYS`` switches them on.
"""

PASSING_SITE = "1x00000000000000000000AA"
FAILING_SITE = "2x00000000000000000000AB"
INTERACTIVE_SITE = "3x00000000000000000000FF"
SITES = frozenset((PASSING_SITE, FAILING_SITE, INTERACTIVE_SITE))

PASSING_SECRET = "1x0000000000000000000000000000000AA"  # noqa: S105 - public on purpose
FAILING_SECRET = "2x0000000000000000000000000000000AA"  # noqa: S105

#: What a run of the passing site earns at once.
DUMMY = "XXXX.DUMMY.TOKEN.XXXX"
#: Where its visitor is said to have been.
HOST = "example.com"
