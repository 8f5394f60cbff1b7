"""Writes kubernetes.yaml, which is the chart in helm/ with its own values, for whoever does without Helm.

python deploy/manifests.py
"""

from pathlib import Path

import helm_python

DEPLOY = Path(__file__).parent
ORDER = ("deployment", "service", "disruption", "autoscaling")
HEAD = """\
# Replicas behind a Service: the chart in helm/, rendered by manifests.py with its own values. They need a Redis or Valkey at
# redis:6379, and the key ring as a secret:
# kubectl create secret generic captcha-keyring --from-file=keyring.json=keys/keyring.json
"""


def rendered() -> str:
    """Render the chart as `helm template captcha-stateless deploy/helm` does, in the order in which one reads it."""
    with helm_python.Chart.load(DEPLOY / "helm") as chart:
        found = chart.render({}, name="captcha-stateless")
        parts = (found[f"{chart.name}/templates/{name}.yaml"].strip() for name in ORDER)
        return HEAD + "\n---\n".join(parts) + "\n"


if __name__ == "__main__":
    (DEPLOY / "kubernetes.yaml").write_text(rendered(), encoding="utf-8")
