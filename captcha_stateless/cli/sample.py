"""``sample``: a contact sheet of what a kind draws, or what it says."""

from pathlib import Path

import click

from captcha_stateless.cli.base import make_engine, plainly, read_settings
from captcha_stateless.errors import BadRequest


@click.command()
@click.option("--kind", default="grid", show_default=True, help="Kind of challenge.")
@click.option(
    "--param", "params", multiple=True, metavar="NAME=VALUE", help="What sort of it, e.g. profile=classic."
)
@click.option(
    "--count", default=4, show_default=True, type=click.IntRange(1, 64), help="How many challenges."
)
@click.option(
    "--output", default="sample.png", show_default=True, type=click.Path(dir_okay=False, path_type=Path)
)
@plainly
def sample(kind: str, params: tuple[str, ...], count: int, output: Path) -> None:
    """Write a contact sheet of what a kind draws, one challenge a row, or what it says as WAV."""
    from captcha_stateless.render import contact_sheet

    engine = make_engine(read_settings())
    pairs = (param.split("=", 1) for param in params if "=" in param)
    wanted = {name: _typed(text) for name, text in pairs}
    rows = [engine.renderer.picture(engine.issue("sample", kind, wanted)) for _ in range(count)]
    if not rows[0]:
        raise BadRequest(f"kind {kind} shows nothing")
    if rows[0][0].startswith(b"RIFF"):
        output = output.with_suffix(".wav")
        output.write_bytes(rows[0][0])
    else:
        output.write_bytes(contact_sheet([png for row in rows for png in row], columns=len(rows[0])))
    click.echo(f"Wrote {output}.")


def _typed(text: str) -> str | int | bool:
    if text in ("true", "false"):
        return text == "true"
    return int(text) if text.isascii() and text.isdigit() else text
