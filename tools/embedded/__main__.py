"""The command line: `python -m embedded run`, `reset`, or `with -- COMMAND`."""

import argparse
import os
import sys
from pathlib import Path

from embedded.home import Home
from embedded.reset import reset
from embedded.run import Run
from embedded.screen import Screen
from embedded.supervisor import Signals
from embedded.with_command import run_with_services

CHECKOUT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Run the command line. Returns the exit code."""
    options = _parse_options()
    # Standard output is left to the command.
    stream = sys.stderr if options.what == "with" else sys.stdout
    screen = Screen(stream, no_color=bool(os.environ.get("NO_COLOR")))
    home = Home(options.home) if options.home else Home.from_checkout(options.checkout)
    try:
        if options.what == "reset":
            return reset(home, screen)
        signals = Signals(options.parent)
        if options.what == "run":
            return Run(home, options.checkout, os.environ, screen, signals).execute()
        return run_with_services(options.command, os.environ, screen, signals)
    except PermissionError as error:
        screen.show_problem(f"This user cannot write to {error.filename}.")
        return 1


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m embedded", description="Run the site with real services on one machine."
    )
    add = parser.add_argument
    add("--checkout", type=Path, default=CHECKOUT, help="whose site to run, in place of this one's")
    add("--home", type=Path, help="where to keep the data, in place of the checkout's own home")
    add("--parent", type=int, help="stop when this process, which started us, is gone")
    commands = parser.add_subparsers(dest="what", required=True)
    commands.add_parser("run", help="run the whole site until Ctrl-C")
    commands.add_parser("reset", help="delete the data")
    borrow = commands.add_parser("with", help="run one command with fresh services")
    borrow.add_argument("command", nargs="+", metavar="COMMAND")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
