"""The local system's secrets: API keys for whoever plays a part in it, and the key that encrypts names and phones.

All of it lies in the data folder, readable by its owner only. A real installation makes its keys with
``whistle keys new`` and never has the plain tokens in a file.
"""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from cryptography.fernet import Fernet

from shared.runtime.auth import new_key
from shared.runtime.keyfile import read_keys, write_keys
from shared.vocabulary import Role

DEMO_COUNTY = "990101"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bearer:
    """Somebody who needs a key: a source, a desk or its head, a department, an operator or an auditor."""

    id: str
    name: str
    role: Role
    area: str
    department: str | None = None


class KeyBook:
    """Hands out keys: hashes to the file that the services read, tokens to ``keys.json`` for command line and demo."""

    def __init__(self, folder: Path) -> None:
        self.hashes = folder / "keys.yaml"
        self.tokens = folder / "keys.json"
        self._known = _read_tokens(self.tokens)

    def token(self, key_id: str) -> str:
        """Return the token of the key ``key_id``.

        Raises:
            KeyError: when no such key was handed out.
        """
        return self._known[key_id]["token"] or ""

    def hand_out(self, bearers: Iterable[Bearer]) -> dict[str, str]:
        """Return a token for each bearer by id, making those that are not there yet.

        Running services take new keys in force within two seconds.
        """
        wanted = list(bearers)
        keys = {key.id: key for key in read_keys(self.hashes)} if self.hashes.exists() else {}
        missing = [bearer for bearer in wanted if bearer.id not in keys or not self._is_for(bearer)]
        for bearer in missing:
            made = new_key(
                role=bearer.role, area=bearer.area, name=bearer.name, department=bearer.department, key_id=bearer.id
            )
            keys[bearer.id] = made.key
            self._known[bearer.id] = {**asdict(bearer), "token": made.token}
        if missing or not self.hashes.exists():
            write_keys(self.hashes, keys.values())
            write_private(self.tokens, json.dumps(self._known, indent=1, ensure_ascii=False))
        return {bearer.id: self.token(bearer.id) for bearer in wanted}

    def _is_for(self, bearer: Bearer) -> bool:
        """True when the token kept under this id was made for the same role, area and department."""
        kept = self._known.get(bearer.id)
        return kept is not None and {**kept, "token": None} == {**asdict(bearer), "token": None}


def county_bearers(county: str) -> tuple[Bearer, ...]:
    """Return the bearers that a person at the keyboard needs for ``county``."""
    return (
        Bearer(id=f"{county}-operator", name="县值班员", role=Role.OPERATOR, area=county),
        Bearer(id=f"{county}-leader", name="县指挥长", role=Role.LEADER, area=county),
        Bearer(id=f"{county}-source", name="报送来源", role=Role.SOURCE, area=county),
        Bearer(id=f"{county}-auditor", name="审计员", role=Role.AUDITOR, area=county),
    )


def secret_key(folder: Path) -> str:
    """Return the Fernet key of this data folder, made on the first start."""
    file = folder / "secret-key"
    if not file.exists():
        write_private(file, Fernet.generate_key().decode())
    return file.read_text(encoding="utf-8")


def write_private(file: Path, text: str) -> None:
    """Replace ``file`` at once, readable by its owner only."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(text, encoding="utf-8")
    draft.replace(file)


def _read_tokens(file: Path) -> dict[str, dict[str, str | None]]:
    if not file.exists():
        return {}
    stored: Mapping[str, dict[str, str | None]] = json.loads(file.read_text(encoding="utf-8"))
    return dict(stored)
