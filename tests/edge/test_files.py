"""The rest of deploy/: what can be proven of it where no engine, cluster or init system runs it."""

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from captcha_stateless.settings import unknown
from tests.conftest import MakeServer
from tests.edge.programs import DEPLOY
from tests.needs import module, program

SETTING = re.compile(r"\bCAPTCHA_[A-Z_]+")
NAMES_OF_FILES = sorted(
    str(path.relative_to(DEPLOY)) for path in DEPLOY.rglob("*.*") if "__pycache__" not in path.parts
)


def documents(name: str) -> list[Any]:
    return list(module("yaml").safe_load_all((DEPLOY / name).read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", NAMES_OF_FILES)
def test_every_setting_that_a_file_names_is_one(name: str) -> None:
    text = (DEPLOY / name).read_text(encoding="utf-8")

    assert list(unknown(dict.fromkeys(SETTING.findall(text), ""))) == []


def commands() -> Iterator[list[str]]:
    """Name every command line that a file starts the server with."""
    (line,) = re.findall(r"^CMD (\[.*\])$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    yield json.loads(line)
    for service in documents("compose.yaml")[0]["services"].values():
        if "captcha-stateless" in service["command"]:
            yield service["command"]
    (line,) = re.findall(
        r"^ExecStart=(.*)$", (DEPLOY / "captcha-stateless.service").read_text(), re.MULTILINE
    )
    yield shlex.split(line)


def test_every_command_line_is_one_that_the_server_takes() -> None:
    from click.testing import CliRunner
    from uvicorn.main import main as uvicorn

    from captcha_stateless.cli import main

    for command in commands():
        assert command[0].endswith("captcha-stateless")
        options = command[2:]
        with main.commands["serve"].make_context("serve", list(options)) as context:
            further = context.params["uvicorn_options"]
        result = CliRunner().invoke(uvicorn, ["app:app", *further, "--version"])
        assert result.exit_code == 0, result.output


@pytest.mark.parametrize("document", range(4))
def test_kubernetes_takes_the_manifests(document: int) -> None:
    validate = module("kubernetes_validate")
    manifest = documents("kubernetes.yaml")[document]

    for version in ("1.27", "1.33"):
        validate.validate(manifest, version, strict=True)


def test_kubernetes_refuses_a_manifest_with_a_mistake() -> None:
    """The proof that the test above can fail."""
    validate = module("kubernetes_validate")
    manifest = documents("kubernetes.yaml")[0]
    manifest["spec"]["replicaz"] = 3

    with pytest.raises(validate.ValidationError):
        validate.validate(manifest, "1.33", strict=True)


def test_compose_runs_the_replicas_that_nginx_names() -> None:
    services = documents("compose.yaml")[0]["services"]
    ports = {f"127.0.0.1:{each['command'][-1]}" for each in services.values() if "serve" in each["command"]}
    named = set(re.findall(r"server (127\.0\.0\.1:\d+)", (DEPLOY / "nginx.conf").read_text()))

    assert ports == named


def test_the_image_copies_what_is_there() -> None:
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)

    for name in " ".join(copied).split():
        assert (DEPLOY.parent / name).exists(), name


def test_systemd_takes_the_unit_and_finds_it_little_exposed() -> None:
    analyse = program("systemd-analyze")
    unit = str(DEPLOY / "captcha-stateless.service")

    verified = subprocess.run(
        [analyse, "verify", "--man=no", unit], capture_output=True, text=True, timeout=60
    )
    security = subprocess.run(
        [analyse, "security", "--offline=true", unit], capture_output=True, text=True, timeout=60
    )

    # The one complaint: the program is not installed here.
    complaints = [line for line in verified.stderr.splitlines() if "captcha-stateless.service" in line]
    assert all("is not executable: No such file" in line for line in complaints), verified.stderr
    (exposure,) = re.findall(r"Overall exposure level .*: ([\d.]+)", security.stdout)
    assert float(exposure) <= 2.0


def expressions() -> Iterator[str]:
    """Name every query of the dashboard and the alert rules."""
    for group in documents("alerts.yaml")[0]["groups"]:
        yield from (rule["expr"] for rule in group["rules"])
    dashboard = json.loads((DEPLOY / "grafana.json").read_text())
    for panel in dashboard["panels"]:
        yield from (target["expr"] for target in panel["targets"])


def test_dashboard_and_alerts_ask_for_what_is_exposed(make_server: MakeServer) -> None:
    text = make_server(metrics=True).visitor.get("/metrics").text
    exposed = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))

    for expression in expressions():
        for name in re.findall(r"captcha_\w+", expression):
            assert re.sub(r"_(bucket|sum|count)$", "", name) in exposed, expression


def test_alerts_say_what_is_wrong() -> None:
    for group in documents("alerts.yaml")[0]["groups"]:
        for rule in group["rules"]:
            assert rule["annotations"]["summary"].endswith(".")
            assert rule["labels"]["severity"] in ("page", "warn")
