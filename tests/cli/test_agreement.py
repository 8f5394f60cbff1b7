"""What the doctor calls good is served, and what is not served the doctor refuses."""

import json
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pytest

from captcha_stateless.tokens import keys
from captcha_stateless.tokens.digests import fingerprint
from tests.live import QUICK

#: Tells of each environment what the doctor objects to, and why the server is not made; some packages are not to be had.
BOTH = """
import json, os, sys, time
environs, missing = json.load(sys.stdin)
for name in missing:
    sys.modules[name] = None
from captcha_stateless.app import create_app
from captcha_stateless.cli.doctor_checks import examine
from captcha_stateless.errors import CaptchaError
from captcha_stateless.settings import Settings
said = []
for environ in environs:
    wrong = [finding.text for finding in examine(environ, now=time.time()) if finding.grade == "wrong"]
    try:
        create_app(Settings.load(environ))
        refused = None
    except CaptchaError as error:
        refused = str(error)
    said.append([wrong, refused])
print(json.dumps(said))
"""
GOOD: dict[str, dict[str, str]] = {
    "nothing": {},
    "all extras": {
        "CAPTCHA_METRICS": "true",
        "CAPTCHA_RATE_LIMIT": "30/minute",
        "CAPTCHA_TRACING": "true",
        "CAPTCHA_DNSBL_ZONE": "dnsbl.example",
    },
    "a choice of protocols": {"CAPTCHA_PROTOCOLS": "onecaptcha,siteverify"},
    "proxies": {"CAPTCHA_TRUSTED_PROXIES": "unix,10.0.0.0/8,::1", "CAPTCHA_RISK_HEADER": "X-Risk-Score"},
    "a shop": {"SITES": 'hosts = ["shop.example", "*.shop.example"]'},
    "rules": {
        "SITES": '[[site.rule]]\nset = "feeds"\n[[site.rule]]\naction = "deny"\ncountry = "DE"\nasn = 64500\n'
        '[[site.rule]]\naction = "ask"\npolicy = "strict"\ncrawler = "yandexbot"',
        "CAPTCHA_TRUSTED_PROXIES": "10.0.0.0/8",
        "CAPTCHA_COUNTRY_HEADER": "CF-IPCountry",
        "CAPTCHA_ASN_HEADER": "X-ASN",
        "CAPTCHA_CRAWLER_DNS": "true",
    },
}


def rule(text: str) -> dict[str, str]:
    """Write a site with a rule."""
    return {"SITES": f"[[site.rule]]\n{text}"}


WRONG: dict[str, tuple[dict[str, str], str]] = {
    "a protocol there is not": ({"CAPTCHA_PROTOCOLS": "onecaptcha,twocaptcha"}, "twocaptcha: choose from"),
    "a policy there is not": ({"CAPTCHA_POLICY": "none"}, "no policy is named none"),
    "a name for a proxy": ({"CAPTCHA_TRUSTED_PROXIES": "nginx"}, "such as 172.18.0.0/16"),
    "an origin with a slash": ({"CAPTCHA_CORS_ORIGINS": "https://a.example/"}, "write https://a.example"),
    "an alphabet of one": ({"CAPTCHA_ALPHABET": "A"}, "at least two characters"),
    "a host with a port": ({"SITES": 'hosts = ["shop.example:8443"]'}, "write shop.example"),
    "a host in its own script": ({"SITES": 'hosts = ["bücher.example"]'}, "write xn--bcher-kva.example"),
    "a kind there is not": ({"SITES": 'kinds = ["tetx"]'}, "there is no kind tetx"),
    "a profile there is not": ({"SITES": 'profile = "none"'}, "there is no profile none"),
    "a set there is not": (rule('set = "feed"'), "there is no set feed: write feeds"),
    "a glob without a slash": (
        rule('action = "deny"\npath = "*.php"'),
        "begins with no slash: write /**/*.php",
    ),
    "a method there is not": (rule('action = "deny"\nmethod = "get"'), "method get is no method: write GET"),
    "a rule behind one for all": (
        rule('action = "deny"\n[[site.rule]]\nset = "feeds"'),
        "rule 2: it can never match",
    ),
    "networks that are not there": (
        rule('action = "deny"\nnetwork_file = "none"'),
        "cannot read the networks file",
    ),
    "a rule's policy there is not": (rule('action = "ask"\npolicy = "none"'), "no policy is named none"),
    "a country that nobody tells": (rule('action = "deny"\ncountry = "DE"'), "set CAPTCHA_COUNTRY_HEADER"),
    "a country that nobody trusted tells": (
        {**rule('action = "deny"\ncountry = "DE"'), "CAPTCHA_COUNTRY_HEADER": "CF-IPCountry"},
        "CAPTCHA_TRUSTED_PROXIES",
    ),
    "a system that nobody tells": (rule('action = "deny"\nasn = 64500'), "set CAPTCHA_ASN_HEADER"),
    "a crawler there is not": (
        rule('action = "allow"\ncrawler = "goglebot"'),
        "no crawler goglebot: write googlebot",
    ),
    "a crawler that nothing verifies": (
        rule('action = "allow"\ncrawler = "googlebot"'),
        "set CAPTCHA_CRAWLERS",
    ),
    "crawlers that nothing verifies": (
        rule('action = "deny"\ncrawler = "*"'),
        "no crawler can be verified here",
    ),
    "a set that nothing verifies": (
        rule('set = "search-engines"'),
        "none of its crawlers can be verified here",
    ),
    "an agent that nothing verifies": (
        rule('action = "allow"\nagent = "*"'),
        "set CAPTCHA_AGENTS",
    ),
    "a list of crawlers that is not there": ({"CAPTCHA_CRAWLERS": "none.txt"}, "rules refresh"),
}
MISSING: dict[str, tuple[dict[str, str], str]] = {
    "prometheus_client": ({"CAPTCHA_METRICS": "true"}, "[metrics]"),
    "limits": ({"CAPTCHA_RATE_LIMIT": "30/minute"}, "[limits]"),
    "opentelemetry": ({"CAPTCHA_TRACING": "true"}, "[otel]"),
    "dns": ({"CAPTCHA_DNSBL_ZONE": "dnsbl.example"}, "[dnsbl]"),
    "dns.resolver": ({"CAPTCHA_CRAWLER_DNS": "true"}, "[dnsbl]"),
    "redis": ({"CAPTCHA_REPLAY": "redis://127.0.0.1:1"}, "[redis]"),
}
#: What the doctor objects to, and why the server is not made; None: it is made.
Judgement = tuple[list[str], str | None]


def environ_in(folder: Path, number: int, wanted: Mapping[str, str]) -> dict[str, str]:
    """Write what an environment names, and name it."""
    environ = {**QUICK, **wanted, "CAPTCHA_KEYS": str(folder / "keyring.json"), "CAPTCHA_REPLAY_RATE": "10"}
    environ["CAPTCHA_REPLAY_DIR"] = str(folder / "replay")
    if "SITES" in environ:
        path = folder / f"sites-{number}.toml"
        site = f'[[site]]\nname = "Shop"\nkey = "shop"\nsecret_sha256 = "{fingerprint("s").hex()}"\n'
        path.write_text(site + environ.pop("SITES"), encoding="utf-8")
        environ["CAPTCHA_SITES"] = str(path)
    return environ


def judge(folder: Path, wanted: Iterable[Mapping[str, str]], missing: Sequence[str] = ()) -> list[Judgement]:
    """Judge environments in a process of their own."""
    keys.save(folder / "keyring.json", keys.fresh_ring(int(time.time()) - 60), overwrite=False)
    environs = [environ_in(folder, number, each) for number, each in enumerate(wanted)]
    asked = json.dumps([environs, missing])
    done = subprocess.run([sys.executable, "-c", BOTH], input=asked, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [(wrong, refused) for wrong, refused in json.loads(done.stdout)]


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Judgement]:
    wanted = {**GOOD, **{name: environ for name, (environ, _) in WRONG.items()}}
    return dict(zip(wanted, judge(tmp_path_factory.mktemp("judged"), wanted.values()), strict=True))


@pytest.mark.parametrize("name", GOOD)
def test_what_the_doctor_calls_good_is_served(judged: dict[str, Judgement], name: str) -> None:
    assert judged[name] == ([], None)


@pytest.mark.parametrize(("name", "why"), [(name, why) for name, (_, why) in WRONG.items()])
def test_what_is_not_served_the_doctor_refuses(judged: dict[str, Judgement], name: str, why: str) -> None:
    require_both(judged[name], why)


@pytest.mark.parametrize(("module", "environ", "why"), [(module, *case) for module, case in MISSING.items()])
def test_a_missing_extra_is_refused_by_both(
    tmp_path: Path, module: str, environ: dict[str, str], why: str
) -> None:
    (judgement,) = judge(tmp_path, [environ], [module])

    require_both(judgement, why)


def require_both(judgement: Judgement, why: str) -> None:
    wrong, refused = judgement
    assert refused is not None
    assert why in refused
    assert any(why in text for text in wrong)
    assert len(set(wrong)) == len(wrong)
