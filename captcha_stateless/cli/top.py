"""``top``: what a server is doing."""

import time

import click

from captcha_stateless.cli.base import plainly, read_settings
from captcha_stateless.settings.extras import needed


@click.command()
@click.argument("url", default="http://127.0.0.1:8000/metrics")
@click.option("--every", default=2.0, show_default=True, type=click.FloatRange(0.1), help="Seconds between.")
@click.option("--once", is_flag=True, help="Show the counts so far, and end.")
@plainly
def top(url: str, every: float, once: bool) -> None:
    """Show what a server is doing, from its /metrics; the key is taken from CAPTCHA_METRICS_KEY."""
    with needed("top", "metrics"):
        from captcha_stateless.telemetry.reading import lines, read
    old, key = None, read_settings().metrics_key
    while True:
        new = read(url, time.time(), key)
        click.clear()
        click.echo("\n".join(lines(new, old)))
        if once:
            return
        old = new
        time.sleep(every)
