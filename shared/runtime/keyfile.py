"""The file of API keys: YAML, hashed secrets only, errors that name entry and field."""

from __future__ import annotations

import io
import os
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from shared.vocabulary import GRID_DIGITS, VILLAGE_DIGITS, Refused, Role, is_area

MAX_LIVE_SECRETS: Final = 2


class KeyFileInvalid(Refused):
    """The file of keys is missing or wrong; the reason names file, entry, field and what is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """One live secret of a key, as its SHA-256 in hex."""

    sha256: str
    created_at: datetime | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One entry of the file; see ``shared.runtime.auth.Principal`` for what it grants.

    Raises:
        Refused: when its fields do not fit together.
    """

    id: str
    name: str
    role: Role
    area: str
    department: str | None
    secrets: tuple[Secret, ...]
    duties: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not _KEY_ID.fullmatch(self.id):
            raise Refused(f"key id {self.id!r}", field="id", allowed=["1 to 32 of a-z, 0-9 and -"])
        if not self.name.strip() or len(self.name) > _MAX_NAME:
            raise Refused("a key needs a name", field="name", allowed=[f"1 to {_MAX_NAME} characters"])
        must_fit(self.role, area=self.area, department=self.department, duties=self.duties)
        if not 1 <= len(self.secrets) <= MAX_LIVE_SECRETS:
            raise Refused(f"{len(self.secrets)} secrets", field="secrets", allowed=[f"1 to {MAX_LIVE_SECRETS}"])


def must_fit(role: Role, *, area: str, department: str | None, duties: Sequence[str]) -> None:
    """Pass when a bearer of ``role`` may have this area, this department and these duties.

    Raises:
        Refused: otherwise; names the field and what is allowed.
    """
    if not is_area(area):
        raise Refused(f"{area!r} is no area code", field="area", allowed=["6, 9, 12 or 15 digits"])
    if role is Role.GRID_WORKER and len(area) not in (VILLAGE_DIGITS, GRID_DIGITS):
        raise Refused(
            f"a grid worker of {area}", field="area", allowed=["a village, 12 digits", "a grid cell, 15 digits"]
        )
    if (role is Role.DEPARTMENT) != (department is not None):
        raise Refused(
            f"a key with the role {role} and department {department!r}",
            field="department",
            allowed=["a department's id for the role department", "nothing for every other role"],
        )
    _check_duties(duties)


def _check_duties(duties: Sequence[str]) -> None:
    if len(duties) > _MAX_DUTIES:
        raise Refused(f"{len(duties)} duties", field="duties", allowed=[f"up to {_MAX_DUTIES}"])
    for duty in duties:
        if not _CATEGORY.fullmatch(duty):
            raise Refused(
                f"{duty!r} is no category's code",
                field="duties",
                allowed=["codes of the county's category tree, 1 to 32 letters, digits, dots and hyphens"],
            )


def read_keys(path: Path) -> list[Key]:
    """Read the keys of ``path``.

    Raises:
        KeyFileInvalid: when it is missing, is no YAML, or an entry is wrong.
    """
    try:
        document = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise KeyFileInvalid(f"cannot read the keys file {path}: {error.strerror}", allowed=[_MEND]) from error
    except (YAMLError, UnicodeDecodeError) as error:
        raise KeyFileInvalid(f"the keys file {path} is no YAML: {error}", allowed=[_MEND]) from error
    entries = document.get("keys") if isinstance(document, Mapping) else None
    if not isinstance(entries, Sequence) or isinstance(entries, str):
        raise KeyFileInvalid(f"the keys file {path} has no list `keys`", field="keys", allowed=[_MEND])
    keys = [_key(path, number, entry) for number, entry in enumerate(entries, start=1)]
    _refuse_repeats(path, keys)
    return keys


def write_keys(path: Path, keys: Iterable[Key]) -> None:
    """Write ``keys`` to ``path`` at once (a reader sees the old file or the new one), readable by its owner only."""
    text = io.StringIO()
    text.write("# API keys, hashed; made by `whistle keys new`. A secret cannot be read back from here.\n")
    yaml = YAML()
    yaml.allow_unicode = True
    yaml.dump({"keys": [_entry(key) for key in keys]}, text)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text.getvalue())
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


_KEY_ID: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_CATEGORY: Final = re.compile(r"[0-9A-Za-z](?:[0-9A-Za-z.-]{0,30}[0-9A-Za-z])?")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_MAX_NAME: Final = 80
_MAX_DUTIES: Final = 64
_FIELDS: Final = frozenset({"id", "name", "role", "area", "department", "duties", "secrets"})
_MEND: Final = "a file made by `whistle keys new`"


def _key(path: Path, number: int, entry: object) -> Key:
    where = f"{path}, key {number}"
    if not isinstance(entry, Mapping):
        raise KeyFileInvalid(f"{where} is no mapping", field="keys", allowed=[_MEND])
    unknown = sorted(str(name) for name in entry if name not in _FIELDS)
    if unknown:
        raise KeyFileInvalid(f"{where} has the unknown field {unknown[0]}", field=unknown[0], allowed=sorted(_FIELDS))
    try:
        return Key(
            id=str(entry.get("id", "")),
            name=str(entry.get("name", "")),
            role=_role(entry.get("role")),
            area=str(entry.get("area", "")),
            department=None if entry.get("department") is None else str(entry["department"]),
            duties=_duties(entry.get("duties")),
            secrets=tuple(_secret(one) for one in entry.get("secrets") or ()),
        )
    except Refused as error:
        raise KeyFileInvalid(
            f"{where}, field {error.field}: {error.reason}", field=error.field, allowed=error.allowed
        ) from error


def _duties(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise Refused(f"{value!r} is no list", field="duties", allowed=["a list of category codes, each in quotes"])
    return tuple(str(one) for one in value)


def _role(value: object) -> Role:
    try:
        return Role(str(value))
    except ValueError as error:
        raise Refused(f"{value!r} is no role", field="role", allowed=[role.value for role in Role]) from error


def _secret(entry: object) -> Secret:
    if not isinstance(entry, Mapping) or not _SHA256.fullmatch(str(entry.get("sha256", ""))):
        raise Refused("a secret without sha256", field="secrets", allowed=["sha256: 64 hex digits"])
    return Secret(
        sha256=str(entry["sha256"]),
        created_at=_moment(entry.get("created_at"), "created_at"),
        expires_at=_moment(entry.get("expires_at"), "expires_at"),
    )


def _moment(value: object, field: str) -> datetime | None:
    """YAML's own time stamps come without an offset, normalised to UTC; texts must carry one."""
    if value is None:
        return None
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError as error:
        raise Refused(f"{value!r} is no time", field=field, allowed=["2027-11-21T00:00:00Z"]) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _refuse_repeats(path: Path, keys: Iterable[Key]) -> None:
    seen = set()
    for key in keys:
        if key.id in seen:
            raise KeyFileInvalid(
                f"{path} has the key id {key.id} twice", field="id", allowed=["one entry for a key id"]
            )
        seen.add(key.id)


def _entry(key: Key) -> dict[str, object]:
    entry: dict[str, object] = {"id": key.id, "name": key.name, "role": key.role.value, "area": key.area}
    if key.department is not None:
        entry["department"] = key.department
    if key.duties:
        entry["duties"] = list(key.duties)
    entry["secrets"] = [
        {"sha256": one.sha256}
        | ({"created_at": one.created_at.isoformat()} if one.created_at else {})
        | ({"expires_at": one.expires_at.isoformat()} if one.expires_at else {})
        for one in key.secrets
    ]
    return entry
