"""``inspect``: what a token holds, for the holder of the keys."""

import json
from base64 import urlsafe_b64encode
from typing import Any

import click

from captcha_stateless.cli.base import make_engine, plainly, read_settings
from captcha_stateless.tokens import keys
from captcha_stateless.tokens.seal import Seal


@click.command()
@click.argument("token")
@click.option("--answer", is_flag=True, help="Add the answer that would be right.")
@plainly
def inspect(token: str, answer: bool) -> None:
    """Print what a token holds, as one JSON object; for the holder of the keys."""
    settings = read_settings()
    ring = keys.load(settings.keys)
    claims = Seal(lambda: ring).inspect(token)
    document = {name: _plain(value) for name, value in claims._asdict().items()}
    if answer:
        document["answer"] = make_engine(settings).tell(claims)
    click.echo(json.dumps(document, indent=2))


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return urlsafe_b64encode(value).rstrip(b"=").decode("ascii")
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
