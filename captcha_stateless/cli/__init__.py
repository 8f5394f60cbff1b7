"""The command line: one file a command, or a group of them; each imports on demand what is slow to import."""

import logging
import os

import click

from captcha_stateless import __version__
from captcha_stateless.cli.agents import agents_group
from captcha_stateless.cli.devices import devices_group
from captcha_stateless.cli.doctor import doctor
from captcha_stateless.cli.inspect import inspect
from captcha_stateless.cli.keys import keys_group
from captcha_stateless.cli.plan import plan
from captcha_stateless.cli.rules import rules_group
from captcha_stateless.cli.sample import sample
from captcha_stateless.cli.serve import serve
from captcha_stateless.cli.sites import sites_group
from captcha_stateless.cli.top import top
from captcha_stateless.cli.widget import widget
from captcha_stateless.settings import FILE_VARIABLE

COMMANDS: tuple[click.Command, ...] = (
    serve,
    keys_group,
    sites_group,
    agents_group,
    devices_group,
    rules_group,
    inspect,
    sample,
    top,
    widget,
    plan,
    doctor,
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
@click.option("--config", type=click.Path(exists=True, dir_okay=False), help="TOML file with settings.")
def main(config: str | None) -> None:
    """A stateless, token-based CAPTCHA server."""
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")
    if config is not None:
        os.environ[FILE_VARIABLE] = config


for command in COMMANDS:
    main.add_command(command)
