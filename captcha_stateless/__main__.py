"""``python -m captcha_stateless`` is the command line."""

from captcha_stateless.cli import main

main(prog_name="captcha-stateless")
