"""Problems that an endpoint may answer with, for the OpenAPI file."""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel, Field

MEDIA_TYPE: Final = "application/problem+json"


class FieldErrorBody(BaseModel):
    """What is wrong with one field, and what is allowed."""

    field: str
    problem: str
    allowed: list[str] = Field(default_factory=list)


class ProblemBody(BaseModel):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str | None = None
    errors: list[FieldErrorBody] = Field(default_factory=list)


_WORDS: Final = {
    400: "The body is no JSON in UTF-8.",
    401: "The key is missing or not known.",
    403: "The key may not do or see this; says who may.",
    404: "There is no such thing within this key's area.",
    409: "Not possible as things stand; says why.",
    413: "The body is larger than 256 kB.",
    415: "The body is not application/json.",
    422: "A field is wrong: names it and what is allowed.",
    429: "More streams or requests than this key or address may have.",
    503: "A part of the system is away: come again after Retry-After seconds.",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems an endpoint may answer with."""
    schema = {"$ref": f"#/components/schemas/{ProblemBody.__name__}"}
    return {
        status: {
            "model": ProblemBody,
            "description": _WORDS[status],
            "content": {MEDIA_TYPE: {"schema": schema}},
        }
        for status in statuses
    }
