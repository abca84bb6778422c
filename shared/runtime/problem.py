"""One problem as RFC 9457 writes it, and the response that carries it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import JSONResponse

from shared.runtime.tracing import current_trace_id

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldError:
    """What is wrong with one field.

    ``field`` is a JSON pointer into the body (``/`` = the body itself), ``?name`` in the query, ``path:name``, or
    a header's name.
    """

    field: str
    problem: str
    allowed: Sequence[str] = ()


class Problem(Exception):  # noqa: N818  it is an answer, not a fault
    """Raise it anywhere below an endpoint; it becomes the response.

    ``slug`` stands in ``docs/problems.md``; ``extra`` are further members, such as ``state`` and ``allowed`` of a 409.
    """

    def __init__(
        self,
        status: int,
        slug: str,
        title: str,
        detail: str | None = None,
        errors: Sequence[FieldError] = (),
        *,
        headers: Mapping[str, str] | None = None,
        **extra: Any,  # noqa: ANN401  extension members are any JSON
    ) -> None:
        super().__init__(f"{status} {slug}: {detail or title}")
        self.status = status
        self.slug = slug
        self.title = title
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.extra = extra

    def body(self) -> dict[str, Any]:
        """The members; ``type`` is a relative reference, so that it is true behind every gateway."""
        body: dict[str, Any] = {"type": f"/problems/{self.slug}", "title": self.title, "status": self.status}
        if self.detail is not None:
            body["detail"] = self.detail
        if self.errors:
            body["errors"] = [
                {"field": one.field, "problem": one.problem, "allowed": list(one.allowed)} for one in self.errors
            ]
        return body | self.extra


def problem_response(problem: Problem) -> JSONResponse:
    """The response of ``problem``, with the trace id when there is one."""
    body = problem.body()
    trace_id = current_trace_id()
    if trace_id is not None:
        body["trace_id"] = trace_id
    return JSONResponse(body, status_code=problem.status, headers=problem.headers, media_type=MEDIA_TYPE)
