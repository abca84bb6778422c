"""Playbooks from files into Kafka and back; apart from the commands, for it takes half a second to import."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Final

from rich.markup import escape

from cli.output import err
from cli.trouble import Trouble
from shared.events.topics import PLAYBOOK
from shared.playbook.load import Loaded, load_located
from shared.playbook.model import Playbook
from shared.playbook.problems import BadPlaybook
from shared.playbook.publish import publish
from shared.playbook.shelf import PlaybookShelf
from shared.runtime.clock import utc_now
from shared.runtime.compacted import CompactedReader
from shared.runtime.delivery import Publisher, PublishFailed, TooLarge
from shared.vocabulary import Refused

CATCH_UP: Final = timedelta(seconds=60)
CONNECT: Final = timedelta(seconds=5)
ASK_AGAIN: Final = timedelta(milliseconds=500)


def read(folder: Path) -> Playbook:
    """The playbook of ``folder``.

    Raises:
        Trouble: with every mistake on a line of its own.
    """
    return read_located(folder).playbook


def read_located(folder: Path) -> Loaded:
    """The playbook of ``folder``, with the file and line of everything in it.

    Raises:
        Trouble: with every mistake on a line of its own.
    """
    try:
        return load_located(folder, today=utc_now().date())
    except BadPlaybook as bad:
        raise bad_playbook(bad, f"{folder} cannot come into force") from bad


def bad_playbook(bad: BadPlaybook, what: str) -> Trouble:
    """Print every mistake on a line of its own, and return the failure that ends the command."""
    for problem in bad.problems:
        err.print(f"[red]✗[/] {escape(str(problem))}")
    return Trouble(
        what,
        why=f"{len(bad.problems)} {'problem' if len(bad.problems) == 1 else 'problems'}, listed above",
        mend="mend the lines named above and check again",
    )


async def read_in_force(bootstrap: str) -> PlaybookShelf:
    """The playbooks that Kafka holds now.

    Raises:
        Trouble: when Kafka does not answer in time.
    """
    shelf = PlaybookShelf()
    reader = CompactedReader(bootstrap, PLAYBOOK.name, shelf.receive)
    running = asyncio.create_task(reader.run())
    try:
        await _caught_up(reader, bootstrap)
    finally:
        await reader.stop()
        await asyncio.gather(running, return_exceptions=True)
    return shelf


async def _caught_up(reader: CompactedReader, bootstrap: str) -> None:
    """Wait for the reader; one that cannot even connect is given up early."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    while True:
        try:
            await reader.caught_up(ASK_AGAIN)
        except TimeoutError:
            waited = timedelta(seconds=loop.time() - began)
            if waited > CATCH_UP or (reader.failing and waited > CONNECT):
                why = reader.failing or f"the topic was not read to its end within {CATCH_UP.seconds} s"
                raise no_kafka(bootstrap, why) from None
        else:
            return


def no_kafka(bootstrap: str, why: str) -> Trouble:
    """Kafka that does not answer."""
    return Trouble(
        f"Kafka at {bootstrap} does not answer",
        why=why,
        mend="check --kafka or WHISTLE_KAFKA, and that the broker runs",
    )


async def put_into_force(playbook: Playbook, bootstrap: str) -> None:
    """Publish ``playbook``; returns when Kafka has it.

    Raises:
        Trouble: when Kafka does not take it.
    """
    publisher = Publisher(bootstrap, client_id="whistle-cli")
    try:
        await publish(playbook, publisher, now=utc_now())
    except PublishFailed as error:
        raise no_kafka(bootstrap, str(error)) from error
    except TooLarge as error:
        raise Trouble(
            "The playbook is larger than Kafka takes",
            why=str(error),
            mend=f"raise max.message.bytes of {PLAYBOOK.name}",
        ) from error
    except Refused as error:
        raise Trouble("The playbook is refused", why=error.reason, mend="whistle playbook check FOLDER") from error
    finally:
        await publisher.stop()


def facts_of(playbook: Playbook) -> dict[str, object]:
    """What a playbook holds, in figures."""
    levels = Counter(area.level.value for area in playbook.areas.values())
    return {
        "county": playbook.county,
        "name": {"zh": playbook.name.zh, "en": playbook.name.en},
        "version": playbook.version,
        "digest": playbook.digest,
        "speed": playbook.speed,
        "areas": dict(levels),
        "cells": len(playbook.cells),
        "departments": len(playbook.departments),
        "categories": len(playbook.categories),
        "duties": len(playbook.duties),
        "rules": len(playbook.rules),
        "clocks": len(playbook.clocks),
        "chains": len(playbook.chains),
        "calendar_years": sorted(playbook.calendar.years),
    }
