"""``widget``: the tag that loads it."""

import click

from captcha_stateless.cli.base import plainly, read_settings


@click.command()
@click.option("--sri", is_flag=True, help="Pin exactly this version, by its digest and integrity.")
@plainly
def widget(sri: bool) -> None:
    """Print the tag that loads the widget; CAPTCHA_PUBLIC_URL says from where."""
    from captcha_stateless.protocols.widget import tag

    click.echo(tag(read_settings().public_url, pinned=sri))
