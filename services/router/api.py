"""POST /v1/explain on the ops port: inside the cluster, the notifier asks it on behalf of people it has checked."""

from dataclasses import replace
from http import HTTPStatus
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.types import AwareDatetime
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.router.domain.asking import Answer, ask, ask_all
from services.router.domain.facts import Facts
from services.router.domain.rulebook import Rulebook
from services.router.ports import Rulebooks
from shared.events.parts import CaseView, PlaybookRef
from shared.playbook.model import Playbook
from shared.playbook.shelf import PlaybookShelf
from shared.runtime.body import BodyGuard
from shared.runtime.problem import FieldError, Problem, problem_response
from shared.vocabulary import NORMAL, Refused

MOST_RULES: Final = 200
"""Rules of one page at most."""
SHOWN: Final = 10
"""Bad fields that an answer names at most."""
_ANSWER: Final = TypeAdapter(Answer)


class Question(BaseModel):
    """A case to put to the rules: as it is, at another instant, in another mode, under another version."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    case: CaseView
    text: Annotated[str, Field(max_length=8000)] = ""
    case_id: str | None = None
    """For the caller's own use."""
    playbook_version: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    at: AwareDatetime | None = None
    """None is the instant at which the case was opened."""
    mode: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    all: bool = False
    start: Annotated[int, Field(ge=0)] = 0
    """With `all`: the place of the first rule, counted from 0."""
    count: Annotated[int, Field(ge=1, le=MOST_RULES)] = MOST_RULES


def explain_route(rulebooks: Rulebooks, shelf: PlaybookShelf) -> Route:
    """The endpoint; it changes nothing and holds up no case for longer than one decision takes."""
    endpoint = _Explain(rulebooks, shelf)
    return Route("/v1/explain", endpoint.answer, methods=["POST"], middleware=[Middleware(BodyGuard)])


class _Explain:
    def __init__(self, rulebooks: Rulebooks, shelf: PlaybookShelf) -> None:
        self._rulebooks = rulebooks
        self._shelf = shelf

    async def answer(self, request: Request) -> Response:
        try:
            question = Question.model_validate_json(await request.body())
            book = await self._book(question)
            answer = _answered(question, book)
        except ValidationError as error:
            return problem_response(_invalid(error))
        except Refused as refusal:
            return problem_response(_refused(refusal))
        return Response(_ANSWER.dump_json(answer), media_type="application/json")

    async def _book(self, question: Question) -> Rulebook:
        """The rulebook that is asked for.

        Raises:
            Refused: this router knows no such county, or no such version of it.
        """
        case = question.case
        if case.county not in self._shelf.counties:
            raise Refused("no playbook is in force for this county", field="/case/county", allowed=self._shelf.counties)
        if question.playbook_version is None:
            return await self._rulebooks.of(case)
        known = await self._shelf.standing().opened(case.county, question.playbook_version)
        if known is None:
            raise Refused(
                f"version {question.playbook_version} is not known here: only the last few are kept",
                field="/playbook_version",
                allowed=[self._shelf.of(case.county).version],
            )
        ref = PlaybookRef(version=known.version, digest=known.digest)
        return await self._rulebooks.of(replace(case, playbook=ref))


def _answered(question: Question, book: Rulebook) -> Answer:
    case = question.case
    if question.mode is not None:
        case = replace(case, mode=_known_mode(question.mode, book.playbook))
    facts = Facts.of(case, question.text, at=question.at)
    if not question.all:
        return ask(facts, book)
    return ask_all(facts, book, start=question.start, count=question.count)


def _known_mode(mode: str, playbook: Playbook) -> str:
    allowed = (NORMAL, *sorted(playbook.modes))
    if mode not in allowed:
        raise Refused(f"version {playbook.version} has no mode {mode!r}", field="/mode", allowed=allowed)
    return mode


def _refused(refusal: Refused) -> Problem:
    errors = (FieldError(field=refusal.field or "/", problem=refusal.reason, allowed=refusal.allowed),)
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "refused", "This is refused", detail=refusal.reason, errors=errors)


def _invalid(error: ValidationError) -> Problem:
    errors = tuple(
        FieldError(field="/" + "/".join(map(str, one["loc"])), problem=one["msg"])
        for one in error.errors(include_url=False, include_input=False, include_context=False)[:SHOWN]
    )
    return Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "invalid-field",
        "Some fields are not as they must be",
        detail=", ".join(one.field for one in errors),
        errors=errors,
    )
