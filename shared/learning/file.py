"""A model in one file: arrays and texts in skops' format, read without running anything that it holds."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Any, Final

import numpy as np

from shared.learning.model import Floats, TextModel
from shared.vocabulary import Refused

FORMAT: Final = 1
ENDING: Final = ".skops"
MOST_BYTES: Final = 512 * 1024 * 1024
"""Unpacked; a file that would take more is refused before it fills the memory."""
MOST_PARTS: Final = 64
_ARRAYS: Final = ("idf", "weights", "intercept")
_TEXTS: Final = ("county", "trained_at", "categories", "vocabulary")
_FIGURES: Final = ("temperature", "macro_f1", "examples")


class BadModel(Refused):
    """A file that is no model, or that holds more than arrays and texts."""


def write_model(model: TextModel, folder: Path) -> Path:
    """Put ``model`` into ``folder`` as ``<county>.skops``, whole or not at all; returns where it is."""
    content = {
        "format": FORMAT,
        "county": model.county,
        "trained_at": model.trained_at,
        "categories": "\n".join(model.categories),
        "vocabulary": "\n".join(model.vocabulary),
        "temperature": model.temperature,
        "macro_f1": model.macro_f1,
        "examples": model.examples,
        **{name: getattr(model, name) for name in _ARRAYS},
    }
    io = _skops()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{model.county}{ENDING}"
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    io.dump(content, beside, compression=zipfile.ZIP_DEFLATED)
    beside.replace(path)
    return path


def read_model(path: Path) -> TextModel:
    """The model in the file at ``path``.

    Raises:
        BadModel: it is no such file, holds what is not trusted, or its parts do not fit together.
    """
    _must_be_small(path)
    io = _skops()
    try:
        strange = io.get_untrusted_types(file=path)
        content = None if strange else io.load(path, trusted=[])
    except Exception as error:
        # Whatever a broken or hostile file makes the reader raise, it says the same: no model.
        raise _bad(path, f"cannot be read: {type(error).__name__}: {error}") from error
    if strange:
        raise _bad(path, f"holds {', '.join(sorted(strange)[:3])}, which is not trusted")
    return _model(path, content)


def _skops() -> Any:  # noqa: ANN401  it ships no types
    """Imported when a file is at hand: it brings all of scikit-learn, which who has no model need not carry."""
    import skops.io  # noqa: PLC0415

    return skops.io


def _model(path: Path, content: Any) -> TextModel:  # noqa: ANN401  whatever the file held
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise _bad(path, "is in no format that is known")
    texts = {name: content.get(name) for name in _TEXTS}
    figures = {name: content.get(name) for name in _FIGURES}
    arrays = {name: content.get(name) for name in _ARRAYS}
    if not all(isinstance(text, str) for text in texts.values()):
        raise _bad(path, "lacks a text")
    if not all(isinstance(figure, int | float) for figure in figures.values()) or not content["temperature"] > 0:
        raise _bad(path, "lacks a figure")
    model = TextModel(
        county=content["county"],
        trained_at=content["trained_at"],
        categories=tuple(content["categories"].split("\n")),
        vocabulary=tuple(content["vocabulary"].split("\n")),
        temperature=float(content["temperature"]),
        macro_f1=float(content["macro_f1"]),
        examples=int(content["examples"]),
        **{name: _floats(path, name, array) for name, array in arrays.items()},
    )
    _must_fit(path, model)
    return model


def _floats(path: Path, name: str, array: object) -> Floats:
    if not isinstance(array, np.ndarray) or array.dtype != np.float32 or not np.isfinite(array).all():
        raise _bad(path, f"{name} are no finite numbers of 32 bits")
    return array


def _must_fit(path: Path, model: TextModel) -> None:
    features, categories = len(model.vocabulary), len(model.categories)
    shapes = (model.idf.shape, model.weights.shape, model.intercept.shape)
    if shapes != ((features,), (features, categories), (categories,)):
        raise _bad(path, f"{features} features and {categories} categories do not fit arrays of {shapes}")
    if path.name != f"{model.county}{ENDING}":
        raise _bad(path, f"is the model of {model.county}")


def _must_be_small(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as packed:
            parts = packed.infolist()
    except (OSError, zipfile.BadZipFile) as error:
        raise _bad(path, f"cannot be opened: {error}") from error
    if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > MOST_BYTES:
        raise _bad(path, f"unpacks to more than {MOST_BYTES} bytes or {MOST_PARTS} parts")


def _bad(path: Path, what: str) -> BadModel:
    return BadModel(
        f"{path.name} {what}", field="model", allowed=[f"a file that `whistle classify train` wrote: <county>{ENDING}"]
    )
