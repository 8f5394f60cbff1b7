"""``doctor``: is this installation fit to serve?"""

import os
import time

import click


@click.command()
def doctor() -> None:
    """Check keys, permissions, fonts, clock and settings; exit with 1 when something is wrong."""
    from captcha_stateless.cli.doctor_checks import examine

    findings = list(examine(os.environ, now=time.time()))
    for finding in findings:
        click.echo(f"{finding.grade:5} {finding.text}")
    if any(finding.grade == "wrong" for finding in findings):
        raise SystemExit(1)
