"""``whistle``: the commands of this folder as one program."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

import typer

from cli import (
    act,
    audit,
    calendars,
    chains,
    classify,
    clocks,
    dead_letter,
    demo,
    doctor,
    duties,
    explain,
    importer,
    keys,
    mode,
    playbook,
    privacy,
    replay,
    rules,
    send,
    simulate,
    status,
    tail,
    warnings,
)
from cli.output import show_trouble
from cli.trouble import BROKEN, Trouble

app = typer.Typer(
    name="whistle",
    help="哨令 — send reports, follow them, see why a case is where it is, and look after the system.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.command()(demo.demo)
app.command()(send.send)
app.command()(tail.tail)
app.command()(explain.explain)
app.command()(act.act)
app.command()(status.status)
app.command()(doctor.doctor)
app.command()(replay.replay)
app.command()(simulate.simulate)
app.add_typer(calendars.app, name="calendar")
app.add_typer(chains.app, name="chain")
app.add_typer(classify.app, name="classify")
app.add_typer(clocks.app, name="clocks")
app.add_typer(dead_letter.app, name="dead-letter")
app.add_typer(mode.app, name="mode")
app.add_typer(duties.app, name="duties")
app.add_typer(importer.app, name="import")
app.add_typer(audit.app, name="audit")
app.add_typer(keys.app, name="keys")
app.add_typer(playbook.app, name="playbook")
app.add_typer(privacy.app, name="privacy")
app.add_typer(rules.app, name="rules")
app.add_typer(warnings.app, name="warnings")


def _version(asked: bool) -> None:
    if asked:
        try:
            print(f"whistle {version('whistle')}")
        except PackageNotFoundError:
            print("whistle (from a source folder)")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    pass


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and end the process: 0 done, 1 failed, 2 misused, 70 a fault of the program itself."""
    # Libraries log their own troubles; a person reads them as Trouble, or asks for them by WHISTLE_DEBUG.
    logging.basicConfig(handlers=None if os.environ.get("WHISTLE_DEBUG") else [logging.NullHandler()])
    sys.exit(run(list(sys.argv[1:] if arguments is None else arguments)))


def run(arguments: list[str]) -> int:
    """Run one command and return its exit status; a failure is said in words, never as a traceback."""
    try:
        app(arguments, prog_name="whistle")
    except Trouble as trouble:
        show_trouble(trouble)
        return trouble.status
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except BrokenPipeError:
        # The reader has gone (`whistle tail | head`); a second message would only break again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if os.environ.get("WHISTLE_DEBUG"):
            raise
        show_trouble(
            Trouble(
                "whistle itself failed",
                why=f"{type(error).__name__}: {error}",
                mend="run it again with WHISTLE_DEBUG=1 and report what it prints",
            )
        )
        return BROKEN
    return 0


if __name__ == "__main__":
    main()
