"""The server for other people's tests, and how little a back end loads."""

import subprocess
import sys

import httpx
import pytest

from captcha_stateless.testing import CaptchaServer


def test_a_solved_pass_verifies_and_carries_what_was_asked() -> None:
    with CaptchaServer() as server:
        token = server.solve(action="login", cdata="7", host="localhost")

        verdict = server.verify(token)

    assert (verdict.success, verdict.hostname) == (True, "localhost")
    assert (verdict.action, verdict.cdata) == ("login", "7")


def test_settings_reach_the_server() -> None:
    with CaptchaServer(page=False, issuer="mine") as server:
        assert httpx.get(server.url).status_code == 404


def test_the_server_stops() -> None:
    with CaptchaServer() as server:
        url = server.url

    with pytest.raises(httpx.TransportError):
        httpx.get(url)


def test_its_fixture_works_in_a_project_of_its_own(pytester: pytest.Pytester) -> None:
    pytester.makeconftest('pytest_plugins = ["captcha_stateless.testing"]')
    pytester.makepyfile(
        """
        def test_sign_up(captcha_server):
            assert captcha_server.verify(captcha_server.solve())
            assert not captcha_server.verify("x")
        """
    )

    pytester.runpytest_subprocess("-q", "-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_the_client_alone_loads_neither_server_nor_pictures() -> None:
    code = (
        "import sys, captcha_stateless.client;"
        "print({'starlette', 'PIL', 'numpy', 'uvicorn', 'captcha_stateless.app'} & set(sys.modules))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"


def test_the_package_has_no_other_names() -> None:
    import captcha_stateless

    with pytest.raises(AttributeError):
        captcha_stateless.other  # noqa: B018
