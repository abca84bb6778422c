"""``python -m deploy.local.demo [--seconds N] [--keep]``: the same as ``whistle demo``."""

import argparse
import sys
from pathlib import Path

from deploy.local.demo.run import run


def main() -> int:
    """Run the demo and return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local.demo", description=__doc__)
    parser.add_argument("--seconds", type=int, help="end by itself after so many seconds, with an account")
    parser.add_argument("--data", type=Path, help="keep everything here")
    parser.add_argument("--keep", action="store_true", help="go on with what an earlier demo left, instead of afresh")
    options = parser.parse_args()
    return run(options.seconds, data=options.data, keep=options.keep)


if __name__ == "__main__":
    sys.exit(main())
