"""Python's clients, from their registry and unmodified, each with a good pass, the same again, and a bad one."""

import asyncio
from typing import Any

import pytest

from captcha_stateless.testing import CaptchaServer
from tests.clients.conftest import SecureServer
from tests.needs import module

BAD = "no.such.pass"


def is_valid(field: Any, name: str, token: str) -> bool:
    """Post a form of one field to Django's validation."""
    forms = module("django.forms")
    form = type("Form", (forms.Form,), {"captcha": field})(data={name: token})
    return bool(form.is_valid())


def test_flask_wtf(live: CaptchaServer) -> None:
    flask, flask_wtf = module("flask"), module("flask_wtf")
    app = flask.Flask("site")
    app.config.update(
        SECRET_KEY="x",
        WTF_CSRF_ENABLED=False,
        RECAPTCHA_PUBLIC_KEY=live.site_key,
        RECAPTCHA_PRIVATE_KEY=live.secret,
        RECAPTCHA_VERIFY_SERVER=f"{live.url}/recaptcha/api/siteverify",
    )
    form_class = type("Form", (flask_wtf.FlaskForm,), {"captcha": flask_wtf.RecaptchaField()})

    def submit(token: str) -> bool:
        with app.test_request_context("/", method="POST", data={"g-recaptcha-response": token}):
            return bool(form_class().validate_on_submit())

    good = live.solve()

    assert [submit(good), submit(good), submit(BAD), submit("")] == [True, False, False, False]


def test_django_recaptcha_over_https(django: None, trusting: SecureServer) -> None:
    fields = module("django_recaptcha.fields")
    good = trusting.server.solve()

    answers = [
        is_valid(fields.ReCaptchaField(), "g-recaptcha-response", token) for token in (good, good, BAD)
    ]

    assert answers == [True, False, False]


def test_django_recaptcha_version_3_with_action_and_score(django: None, trusting: SecureServer) -> None:
    fields, widgets = module("django_recaptcha.fields"), module("django_recaptcha.widgets")

    def submit(token: str) -> bool:
        widget = widgets.ReCaptchaV3(action="login", required_score=0.9)
        return is_valid(fields.ReCaptchaField(widget=widget), "captcha", token)

    assert submit(trusting.server.solve(action="login"))
    assert not submit(trusting.server.solve(action="other"))
    assert not submit(BAD)


def test_django_hcaptcha(django: None, live: CaptchaServer) -> None:
    fields = module("hcaptcha.fields")
    good = live.solve()

    answers = [is_valid(fields.hCaptchaField(), "h-captcha-response", token) for token in (good, good, BAD)]

    assert answers == [True, False, False]


def test_django_turnstile(django: None, live: CaptchaServer) -> None:
    """It sends ``remoteip=None`` as text where it knows no address."""
    fields = module("turnstile.fields")
    good = live.solve()

    answers = [
        is_valid(fields.TurnstileField(), "cf-turnstile-response", token) for token in (good, good, BAD)
    ]

    assert answers == [True, False, False]


def test_aiohcaptcha(live: CaptchaServer) -> None:
    aiohcaptcha = module("aiohcaptcha")
    client = aiohcaptcha.HCaptchaClient(live.secret, api_url=f"{live.url}/siteverify")
    good = live.solve()

    async def ask() -> list[tuple[bool, list[str]]]:
        answers = []
        for token in (good, good, BAD):
            right = await client.verify(token, remote_ip="192.0.2.1", sitekey=live.site_key)
            answers.append((right, client.response.error_codes))
        return answers

    assert asyncio.run(ask()) == [
        (True, []),
        (False, ["already-seen-response"]),
        (False, ["invalid-input-response"]),
    ]


def test_pyjwt_offline(live: CaptchaServer) -> None:
    jwt = module("jwt")
    keys = jwt.PyJWKClient(f"{live.url}/.well-known/jwks.json")

    def read(token: str, audience: str = live.site_key) -> dict[str, Any]:
        key = keys.get_signing_key_from_jwt(token)
        claims: dict[str, Any] = jwt.decode(
            token, key, algorithms=["ES256"], audience=audience, issuer="captcha-stateless"
        )
        return claims

    good = live.solve(action="login")

    assert (read(good)["action"], read(good)["hostname"], read(good)["kind"]) == (
        "login",
        "localhost",
        "grid",
    )
    with pytest.raises(jwt.InvalidAudienceError):
        read(good, "other")
    with pytest.raises(jwt.InvalidTokenError):
        read(good[:-4] + "AAAA")
