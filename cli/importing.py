"""Rows of a file to intake in small batches, with a note of how far it came: stopped anywhere, it goes on there."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

import httpx
import msgspec

from cli import client
from cli.csv_records import CsvFile, Record
from cli.mapping import BadRow, Rules, report_of, row_id
from cli.sending import AWAY, FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, Tally
from cli.trouble import MISUSED, Trouble

BATCH: Final = "/v1/reports/batch"
ROWS_AT_A_TIME: Final = 500
"""Few enough that their answers fit into what intake holds for a client that sends before it reads."""
HEAD: Final = ("line", "reason", "record")
_NDJSON: Final = "application/x-ndjson"
_CHUNK: Final = 1 << 20


class Progress(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How far an import has come: of which file, by which mapping, and what became of its rows."""

    file: str
    mapping: str
    done_line: int = 0
    """Every record that begins in this line or before has its answer."""
    accepted: int = 0
    repeated: int = 0
    refused: int = 0
    rejects_bytes: int = 0
    """What of the file of rejects belongs to that; more was written by a run that was killed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is imported, and where the notes lie."""

    file: CsvFile
    rules: Rules
    dataset: str
    progress: Path
    rejects: Path
    started: Progress
    together: int

    @classmethod
    def of(
        cls,
        file: CsvFile,
        rules: Rules,
        *,
        dataset: str | None = None,
        rejects: Path | None = None,
        together: int = ROWS_AT_A_TIME,
    ) -> Plan:
        """The plan for ``file``, going on where an earlier run of the same file and mapping has stopped.

        Raises:
            Trouble: the notes are of another file or mapping.
        """
        digest = digest_of(file.path)
        mapping = hashlib.sha256(repr((sorted(rules.by_field.items()), dataset, file.encoding)).encode()).hexdigest()
        progress = file.path.with_name(f"{file.path.name}.progress")
        started = _started(progress, Progress(file=digest, mapping=mapping))
        return cls(
            file=file,
            rules=rules,
            dataset=dataset or digest,
            progress=progress,
            rejects=rejects or file.path.with_name(f"{file.path.name}.rejects.csv"),
            started=started,
            together=together,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A record on its way; ``broken`` when it never became a report."""

    record: Record
    report: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""
    broken: str | None = None


def digest_of(path: Path) -> str:
    """The SHA-256 of the file's bytes."""
    found = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                found.update(chunk)
    except OSError as error:
        raise Trouble(f"{path} cannot be read", why=error.strerror or str(error), mend="check the path") from error
    return found.hexdigest()


def rows_of(plan: Plan) -> Iterator[Row]:
    """The rows that have no answer yet."""
    for record in plan.file:
        if record.line > plan.started.done_line:
            yield _row(record, plan)


def run(plan: Plan, http: httpx.Client, *, patience_seconds: float) -> Tally:
    """Send what is left of the file; each batch is noted when all of it has its answer.

    Raises:
        Trouble: intake stays away longer than the patience, or the key is not good; what is noted stays noted.
    """
    tally = Tally(accepted=plan.started.accepted, repeated=plan.started.repeated, refused=plan.started.refused)
    with _Rejects(plan.rejects, plan.started.rejects_bytes) as rejects:
        for batch in _batches(rows_of(plan), plan.together):
            for row, reason in zip(batch, _answers(batch, http, patience_seconds, tally), strict=True):
                if reason is not None:
                    tally.refuse(row.record.line, reason)
                    rejects.add(row.record, reason)
            _note(plan, tally, batch[-1].record.line, rejects.flush())
    return tally


def _row(record: Record, plan: Plan) -> Row:
    if record.broken is not None:
        return Row(record=record, broken=record.broken)
    try:
        name = row_id(record.row, plan.rules, record.line)
        return Row(record=record, report=report_of(record.row, plan.rules), key=_key(plan.dataset, name))
    except BadRow as error:
        return Row(record=record, broken=str(error))


def _key(dataset: str, name: str) -> str:
    """The key that makes sending a row again harmless."""
    return f"import-{hashlib.sha256(f'{dataset}|{name}'.encode()).hexdigest()[:48]}"


def _batches(rows: Iterator[Row], together: int) -> Iterator[list[Row]]:
    batch: list[Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) == together:
            yield batch
            batch = []
    if batch:
        yield batch


def _answers(batch: Sequence[Row], http: httpx.Client, patience_seconds: float, tally: Tally) -> list[str | None]:
    """Why each row was refused, None for one that was not; whatever may still change is asked again."""
    answers: dict[int, str | None] = {place: row.broken for place, row in enumerate(batch) if row.broken is not None}
    began, pause = time.monotonic(), FIRST_PAUSE_SECONDS
    while waiting := [place for place in range(len(batch)) if place not in answers]:
        before, trouble = len(answers), _send(batch, waiting, http, answers, tally)
        if len(answers) == len(batch):
            break
        if len(answers) > before:
            began, pause = time.monotonic(), FIRST_PAUSE_SECONDS
        if time.monotonic() - began + pause > patience_seconds:
            raise trouble or Trouble(
                "intake answers no more", why="some rows got no answer", mend="run the same command again"
            )
        time.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
    return [answers[place] for place in range(len(batch))]


def _send(
    batch: Sequence[Row], waiting: Sequence[int], http: httpx.Client, answers: dict[int, str | None], tally: Tally
) -> Trouble | None:
    """Send the rows that wait and take what answers come; the trouble that kept others from coming.

    Raises:
        Trouble: one that does not pass by itself.
    """
    lines = [json.dumps({**batch[place].report, "key": batch[place].key}, ensure_ascii=False) for place in waiting]
    body = "\n".join(lines).encode()
    trouble: Trouble | None = None
    try:
        with http.stream("POST", BATCH, content=body, headers={"content-type": _NDJSON}) as response:
            if not response.is_success:
                response.read()
                trouble = client.trouble_of(response)
                if response.status_code not in AWAY:
                    raise trouble
                return trouble
            for line in response.iter_lines():
                trouble = _take(line, waiting, answers, tally) or trouble
    except httpx.TransportError as error:
        return client.unreachable(str(http.base_url), error)
    return trouble


def _take(line: str, waiting: Sequence[int], answers: dict[int, str | None], tally: Tally) -> Trouble | None:
    """Note one line of the answer; the trouble when it is one that passes."""
    if not line.strip():
        return None
    answer = json.loads(line)
    number, status, problem = answer["line"], answer["status"], answer.get("problem") or {}
    reason = f"{status} {client.reasons_of(problem)[0]}" if problem else str(status)
    if number == 0 or status in AWAY:
        return Trouble("intake does not take everything now", why=reason, mend="wait a little and run it again")
    place = waiting[number - 1]
    if status == httpx.codes.CREATED:
        tally.repeated += bool(answer.get("replayed"))
        tally.accepted += not answer.get("replayed")
        answers[place] = None
    elif status >= httpx.codes.INTERNAL_SERVER_ERROR:
        raise Trouble("intake failed at a row", why=reason, mend="report it; run the same command again to go on")
    else:
        answers[place] = reason
    return None


class _Rejects:
    """The file of rejects: a CSV that a spreadsheet opens, cut back to what the notes know of."""

    def __init__(self, path: Path, keep_bytes: int) -> None:
        self._path = path
        self._keep_bytes = keep_bytes

    def __enter__(self) -> Self:
        self._file = self._path.open("ab")
        self._file.truncate(self._keep_bytes)
        self._file.seek(0, os.SEEK_END)
        return self

    def __exit__(self, *_raised: object) -> None:
        self._file.close()
        if not self._path.stat().st_size:
            self._path.unlink()

    def add(self, record: Record, reason: str) -> None:
        """Write a record as it stands in its file, and why it was not taken."""
        if not self._file.tell():
            self._file.write("\ufeff".encode() + _csv_line(HEAD))
        self._file.write(_csv_line((str(record.line), reason, record.text.rstrip("\r\n"))))

    def flush(self) -> int:
        """Bring it to the disk; how many bytes it has."""
        self._file.flush()
        os.fsync(self._file.fileno())
        return self._file.tell()


def _csv_line(fields: Sequence[str]) -> bytes:
    line = io.StringIO(newline="")
    csv.writer(line).writerow(fields)
    return line.getvalue().encode("utf-8", "replace")


def _note(plan: Plan, tally: Tally, line: int, rejects_bytes: int) -> None:
    """Write the notes anew, whole or not at all."""
    now = msgspec.structs.replace(
        plan.started,
        done_line=line,
        accepted=tally.accepted,
        repeated=tally.repeated,
        refused=tally.refused,
        rejects_bytes=rejects_bytes,
    )
    beside = plan.progress.with_name(f"{plan.progress.name}.new")
    with beside.open("wb") as file:
        file.write(msgspec.json.encode(now))
        file.flush()
        os.fsync(file.fileno())
    beside.replace(plan.progress)


def _started(path: Path, fresh: Progress) -> Progress:
    if not path.exists():
        return fresh
    try:
        known = msgspec.json.decode(path.read_bytes(), type=Progress)
    except (OSError, msgspec.DecodeError) as error:
        raise _other_notes(path, "they cannot be read") from error
    for what, ours, theirs in (("file", fresh.file, known.file), ("mapping", fresh.mapping, known.mapping)):
        if ours != theirs:
            raise _other_notes(path, f"the {what} is another one than then")
    return known


def _other_notes(path: Path, why: str) -> Trouble:
    return Trouble(
        f"The notes of an earlier import do not fit: {path}",
        why=why,
        mend="give back the file and mapping of then, or remove the notes to import from the beginning",
        status=MISUSED,
    )
