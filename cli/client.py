"""The HTTP client of the commands: a problem of the services becomes a failure with what, why and how to mend."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import uuid4

import httpx

from cli.trouble import Trouble

TIMEOUT: Final = httpx.Timeout(30.0, connect=5.0)
LIMITS: Final = httpx.Limits(max_connections=64)


def client(url: str, key: str | None = None) -> httpx.Client:
    """A client for the service at ``url`` that shows ``key``; every call has a time limit."""
    return httpx.Client(base_url=url, headers=headers(key), timeout=TIMEOUT, limits=LIMITS)


def async_client(url: str, key: str | None = None) -> httpx.AsyncClient:
    """See ``client``."""
    return httpx.AsyncClient(base_url=url, headers=headers(key), timeout=TIMEOUT, limits=LIMITS)


def headers(key: str | None) -> dict[str, str]:
    """The headers of every request."""
    known = {"user-agent": "whistle-cli"}
    return known if key is None else known | {"authorization": f"Bearer {key}"}


def get(http: httpx.Client, path: str, **params: str | int | None) -> Any:  # noqa: ANN401  any JSON
    """GET ``path`` and return its JSON.

    Raises:
        Trouble: when the service cannot be reached or answers with a problem.
    """
    try:
        response = http.get(path, params={name: value for name, value in params.items() if value is not None})
    except httpx.HTTPError as error:
        raise unreachable(str(http.base_url), error) from error
    return answer_of(response)


def post(
    http: httpx.Client, path: str, body: Mapping[str, Any] | None = None, *, idempotency_key: str | None = None
) -> Any:  # noqa: ANN401  any JSON
    """POST ``body`` to ``path`` and return the answer's JSON.

    Raises:
        Trouble: when the service cannot be reached or answers with a problem.
    """
    # Without a key of the caller's own a fresh one: a retry inside the connection makes no second change.
    marked = {"idempotency-key": idempotency_key or str(uuid4())}
    try:
        response = http.post(path, json=body, headers=marked) if body is not None else http.post(path, headers=marked)
    except httpx.HTTPError as error:
        raise unreachable(str(http.base_url), error) from error
    return answer_of(response)


def answer_of(response: httpx.Response) -> Any:  # noqa: ANN401  any JSON
    """The JSON of a good answer.

    Raises:
        Trouble: for a problem, or for an answer that is no JSON.
    """
    if response.is_success:
        try:
            return response.json()
        except ValueError as error:
            raise Trouble(
                f"{response.url} answered with something that is no JSON",
                why=f"content type {response.headers.get('content-type', 'unknown')}",
                mend="check that --url is the address of Whistle, not of something before it",
            ) from error
    raise trouble_of(response)


def unreachable(url: str, error: httpx.HTTPError) -> Trouble:
    """A service that does not answer."""
    timed_out = isinstance(error, httpx.TimeoutException)
    return Trouble(
        f"{url} does not answer",
        why="no answer within the time limit" if timed_out else str(error) or type(error).__name__,
        mend="check the address and that the service runs: `whistle doctor`; a local system starts with `whistle demo`",
    )


def trouble_of(response: httpx.Response) -> Trouble:
    """An error answer in words; reads problem+json, and says what it can of anything else."""
    problem = problem_of(response)
    reasons = reasons_of(problem)
    trace = problem.get("trace_id")
    title = problem.get("title", response.reason_phrase)
    return Trouble(
        f"{response.request.method} {response.request.url.path}: {response.status_code} {title}",
        why="; ".join(reasons) + (f" (trace {trace})" if trace else ""),
        mend=_mend(response.status_code, problem),
    )


def problem_of(response: httpx.Response) -> Mapping[str, Any]:
    """The problem+json of an error answer, or an empty one."""
    try:
        body = response.json()
    except (ValueError, httpx.ResponseNotRead):
        return {}
    return body if isinstance(body, dict) else {}


def reasons_of(problem: Mapping[str, Any]) -> list[str]:
    """What is wrong, one sentence a field, or else the detail."""
    errors = problem.get("errors") or []
    fields = [f"{one['field']}: {one['problem']}" for one in errors]
    return fields or [problem.get("detail") or problem.get("title") or "the answer does not say"]


def _mend(status: int, problem: Mapping[str, Any]) -> str:
    open_now = problem.get("allowed") or []
    # A 409 says what is open twice, for programs and of the field.
    named = [one for one in problem.get("errors") or [] if one.get("allowed") and one["allowed"] != open_now]
    allowed = [f"{one['field']}: {', '.join(one['allowed'])}" for one in named]
    said = [f"allowed: {'; '.join(allowed)}"] if allowed else []
    if open_now:
        said.append(f"open now: {', '.join(open_now)}")
    if said:
        return "; ".join(said)
    return _MENDS.get(status, "`whistle doctor` looks for the cause; docs/problems.md explains the answer")


_MENDS: Final = {
    403: "use a key whose role and area allow it: `whistle keys list`",
    404: "check the id; what lies outside your key's area is answered like what does not exist",
    429: "wait a little and try again",
    500: "report the trace id to whoever runs the system",
    502: "the gateway reaches no service: check that it runs",
    503: "wait a little and try again; `whistle doctor` says what is away",
}
