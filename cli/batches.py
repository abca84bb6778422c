"""A file of reports, one a line, to intake's batch door: part by part, each sent again until every line is answered."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Final

import httpx

from cli import client
from cli.sending import FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, Tally, stopped
from cli.trouble import MISUSED, Trouble

LINES_A_REQUEST: Final = 2000
"""Less than what intake keeps for a client that reads its answer only after it has sent: some 1.5 of 4 MiB."""
PATIENCE_SECONDS: Final = 120.0
AGAIN: Final = frozenset({429, 503})

_PATH: Final = "/v1/reports/batch"
_HEADERS: Final = {"content-type": "application/x-ndjson"}


def send_file(http: httpx.Client, file: Path, *, key: str | None) -> Tally:
    """Send every line of ``file`` (``-``: stdin); the same file again makes no second case.

    The lines' keys come from ``key`` and their numbers; without one from the content of the file, so that a file that
    was changed is another one. What comes by stdin needs a key, for it cannot be read twice.

    Raises:
        Trouble: the file cannot be read, or intake stays away.
    """
    if str(file) == "-":
        if key is None:
            raise Trouble(
                "What comes by stdin has no name",
                why="without one it could not be sent again after a break",
                mend="add --idempotency-key NAME",
                status=MISUSED,
            )
        return _send(http, sys.stdin.buffer, key)
    try:
        with file.open("rb") as lines:
            name = key or hashlib.file_digest(lines, "sha256").hexdigest()[:32]
            lines.seek(0)
            return _send(http, lines, name)
    except OSError as error:
        raise Trouble(f"{file} cannot be read", why=error.strerror or str(error), mend="check the path") from error


def _send(http: httpx.Client, lines: BinaryIO, key: str) -> Tally:
    tally = Tally()
    for number, part in enumerate(_parts(lines)):
        for line, answer in sorted(_answered(http, part, f"{key}-{number}", tally).items()):
            _count(tally, number * LINES_A_REQUEST + line, answer)
    return tally


def _parts(lines: BinaryIO) -> Iterator[Sequence[bytes]]:
    while part := list(islice(lines, LINES_A_REQUEST)):
        yield part


def _answered(http: httpx.Client, part: Sequence[bytes], key: str, tally: Tally) -> Mapping[int, Mapping[str, Any]]:
    """The answer to each line of a part by its number; sent again while lines have none or one that can change."""
    began, pause = time.monotonic(), FIRST_PAUSE_SECONDS
    while True:
        answers, trouble = _once(http, part, key)
        wanted = {number for number, line in enumerate(part, start=1) if line.strip()}
        later = {number for number in wanted if number not in answers or answers[number]["status"] in AGAIN}
        if not later:
            return {number: answers[number] for number in wanted}
        if time.monotonic() - began + pause > PATIENCE_SECONDS:
            raise stopped(trouble or _away(answers, later), tally.total)
        time.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)


def _once(
    http: httpx.Client, part: Sequence[bytes], key: str
) -> tuple[Mapping[int, Mapping[str, Any]], Trouble | None]:
    answers: dict[int, Mapping[str, Any]] = {}
    try:
        headers = {**_HEADERS, "idempotency-key": key}
        with http.stream("POST", _PATH, content=b"".join(part), headers=headers) as response:
            if not response.is_success:
                response.read()
                trouble = client.trouble_of(response)
                if response.status_code in AGAIN:
                    return answers, trouble
                raise trouble
            for text in response.iter_lines():
                answer = json.loads(text)
                answers[answer["line"]] = answer
    except httpx.TransportError as error:
        return answers, client.unreachable(str(http.base_url), error)
    return answers, None


def _away(answers: Mapping[int, Mapping[str, Any]], later: set[int]) -> Trouble:
    told = [answers[number]["problem"].get("detail") or "" for number in sorted(later) if number in answers]
    return Trouble("Intake does not take all lines now", why=next(iter(told), "it broke off"), mend="wait a moment")


def _count(tally: Tally, number: int, answer: Mapping[str, Any]) -> None:
    if "problem" in answer:
        tally.refuse(number, f"{answer['status']} {client.reasons_of(answer['problem'])[0]}")
    elif answer.get("replayed"):
        tally.repeated += 1
    else:
        tally.accepted += 1
