"""The chart of deploy/helm, rendered by Helm's own engine: one source, and good whatever its values."""

import runpy
from typing import Any

import helm_python
import pytest
import yaml

import captcha_stateless
from captcha_stateless.settings import Settings
from tests.edge.programs import DEPLOY
from tests.needs import module

CHART = DEPLOY / "helm"

#: What an operator may set, and what is then to be seen.
VARIANTS: dict[str, dict[str, Any]] = {
    "as it is": {},
    "secrets": {"sites": {"secret": "sites"}, "replay": {"secret": "redis"}},
    "no autoscaling": {"autoscaling": {"enabled": False}, "replicas": 2},
    "settings": {"settings": {"CAPTCHA_RATE_LIMIT": "30/minute,300/hour", "CAPTCHA_QUEUE": "32"}},
    "placed": {
        "nodeSelector": {"disk": "ssd"},
        "tolerations": [{"key": "edge", "operator": "Exists", "effect": "NoSchedule"}],
    },
    "drains long": {"drainSeconds": 30, "disruption": {"maxUnavailable": "25%"}},
    "Sentinel": {"replay": {"url": "redis+sentinel://one:26379,two:26379/main"}},
    "image": {"image": {"repository": "registry.example/captcha", "tag": "1.2.3", "pullPolicy": "Always"}},
}

WRONG: list[dict[str, Any]] = [
    {"replicaz": 3},
    {"replicas": 0},
    {"settings": {"captcha_log": "json"}},
    {"settings": {"CAPTCHA_QUEUE": 32}},
    {"replay": {"url": "memory"}},
    {"replay": {"ulr": "redis://redis"}},
    {"drainSeconds": 1},
    {"image": {"repository": ""}},
]


def rendered(values: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Render the chart; name each manifest by its kind."""
    with helm_python.Chart.load(CHART) as chart:
        texts = chart.render(values, name="captcha")
    documents = [yaml.safe_load(text) for name, text in texts.items() if name.endswith(".yaml")]
    return {document["kind"]: document for document in documents if document}


def container(values: dict[str, Any]) -> dict[str, Any]:
    (found,) = rendered(values)["Deployment"]["spec"]["template"]["spec"]["containers"]
    return dict(found)


def test_the_plain_manifests_are_the_chart_s() -> None:
    """Where this fails: `make manifests`."""
    script = runpy.run_path(str(DEPLOY / "manifests.py"))

    assert (DEPLOY / "kubernetes.yaml").read_text(encoding="utf-8") == script["rendered"]()


def test_helm_finds_nothing_to_object_to() -> None:
    found = helm_python.lint(CHART)

    assert found["errors"] == []
    assert [message["error"] for message in found["messages"]] == ["icon is recommended"]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("version", ["1.27", "1.33"])
def test_kubernetes_takes_what_is_rendered(variant: str, version: str) -> None:
    validate = module("kubernetes_validate")

    for manifest in rendered(VARIANTS[variant]).values():
        validate.validate(manifest, version, strict=True)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_pod_is_confined_and_checked_whatever_is_set(variant: str) -> None:
    pod = rendered(VARIANTS[variant])["Deployment"]["spec"]["template"]["spec"]
    (server,) = pod["containers"]

    assert pod["securityContext"]["runAsNonRoot"]
    assert not pod["automountServiceAccountToken"]
    assert server["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert [
        server[probe]["httpGet"]["path"] for probe in ("startupProbe", "readinessProbe", "livenessProbe")
    ] == [
        "/readyz",
        "/readyz",
        "/livez",
    ]
    assert pod["topologySpreadConstraints"][0]["topologyKey"] == "kubernetes.io/hostname"
    mounted = {mount["name"] for mount in server["volumeMounts"]}
    assert mounted == {volume["name"] for volume in pod["volumes"]}


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_pod_s_environment_is_one_that_the_server_takes_and_drains_in(variant: str) -> None:
    pod = rendered(VARIANTS[variant])["Deployment"]["spec"]["template"]["spec"]
    (server,) = pod["containers"]
    environ = {each["name"]: each["value"] for each in server["env"] if not each["name"].endswith("_FILE")}
    waits = int(server["lifecycle"]["preStop"]["exec"]["command"][1])

    settings = Settings.load(environ)

    probe = server["readinessProbe"]
    assert settings.drain_seconds > probe["periodSeconds"] * probe["failureThreshold"]
    assert pod["terminationGracePeriodSeconds"] > waits + settings.drain_seconds + 10


def test_a_redis_url_with_a_password_is_a_secret() -> None:
    names = {each["name"]: each["value"] for each in container(VARIANTS["secrets"])["env"]}

    assert names["CAPTCHA_REPLAY_FILE"] == "/replay/url"
    assert "CAPTCHA_REPLAY" not in names


def test_without_autoscaling_the_replicas_are_as_many_as_are_asked_for() -> None:
    manifests = rendered(VARIANTS["no autoscaling"])

    assert manifests["Deployment"]["spec"]["replicas"] == 2
    assert "HorizontalPodAutoscaler" not in manifests
    assert "replicas" not in rendered({})["Deployment"]["spec"]


@pytest.mark.parametrize("values", WRONG, ids=str)
def test_what_nobody_can_mean_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(helm_python.HelmValuesError, match="schema"):
        rendered(values)


def test_chart_and_server_have_one_version() -> None:

    with helm_python.Chart.load(CHART) as chart:
        assert chart.metadata["appVersion"] == captcha_stateless.__version__
