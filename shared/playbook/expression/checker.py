"""The type of a CEL expression, or the first thing in it that is wrong, with its place and what is allowed.

Narrower than CEL on purpose: what could fail while a case is routed (an index, a division, a pattern
put together from texts) or means something else than it seems (the engine counts a text's bytes, not
its characters) is refused at load.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final

from shared.playbook.expression.fields import (
    BOOL,
    DOUBLE,
    FIELDS,
    INT,
    STRING,
    item_of,
    list_of,
)
from shared.playbook.expression.grammar import (
    EACH,
    GLOBAL,
    LITERALS,
    ORDERED,
    SUMS,
    BadExpression,
    Part,
    methods_of,
    spelled,
    spelled_out,
)
from shared.playbook.expression.tokens import Shape, Token, tokens
from shared.playbook.near import meant, nearest

DEEPEST: Final = 32
"""Brackets inside brackets."""
LARGEST: Final = 1_000_000_000
"""Whole numbers up to here cannot overflow in any sum that a rule would write."""

Known = Mapping[str, Collection[str]]
"""All values that a text field can have, where these are known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What an expression of kind bool names: fields, sorted, and the parts that are fixed beforehand.

    Each fixed part is a place, a call of `p`, and the text that `p` is; evaluating it once proves it.
    """

    fields: tuple[str, ...]
    fixed: tuple[tuple[int, str, str], ...]


def typed(source: str, known: Known) -> Typed:
    """Return what the boolean expression `source` names.

    Raises:
        BadExpression: a field, function, kind or value that cannot be; or its result is not true or false.
    """
    reader = _Reader(source, known)
    part = reader.whole()
    if part.kind != BOOL:
        raise BadExpression(part.at, f"the expression is of kind {part.kind}", (BOOL,))
    return Typed(fields=tuple(sorted(reader.named)), fixed=tuple(reader.fixed))


class _Reader:
    """Reads by precedence, giving each part its kind on the way; the engine has read the syntax before."""

    def __init__(self, source: str, known: Known) -> None:
        self.named: set[str] = set()
        self.fixed: list[tuple[int, str, str]] = []
        self._tokens = list(tokens(source))
        self._known = known
        self._here = 0
        self._depth = 0
        self._bound: dict[str, str] = {}

    def whole(self) -> Part:
        part = self._choice()
        self._expect_end()
        return part

    def _choice(self) -> Part:
        self._deeper()
        part = self._either()
        if self._took("?"):
            self._must_be(part, BOOL)
            one = self._either()
            self._take(":")
            other = self._choice()
            self._alike(one, other)
            part = Part(kind=one.kind, at=part.at)
        self._depth -= 1
        return part

    def _either(self) -> Part:
        return self._joined("||", self._both)

    def _both(self) -> Part:
        return self._joined("&&", self._relation)

    def _joined(self, sign: str, inner: Callable[[], Part]) -> Part:
        part = inner()
        while self._took(sign):
            self._must_be(part, BOOL)
            self._must_be(inner(), BOOL)
            part = Part(kind=BOOL, at=part.at)
        return part

    def _relation(self) -> Part:
        part = self._sum()
        while self._token.text in ("==", "!=", "<", "<=", ">", ">=", "in") and self._token.shape is not Shape.STRING:
            sign = self._next()
            part = self._related(sign, part, self._sum())
        return part

    def _related(self, sign: Token, left: Part, right: Part) -> Part:
        if sign.text == "in":
            item = item_of(right.kind)
            if item is None:
                raise BadExpression(right.at, f"{right.kind} is no list", ("a list after `in`",))
            self._alike(left, Part(kind=item, at=right.at))
        else:
            self._alike(left, right)
            if sign.text not in ("==", "!=") and left.kind not in ORDERED:
                raise BadExpression(sign.at, f"{left.kind} has no order for {sign.text}", ("==", "!=", "in"))
        self._can_be(left, right)
        self._can_be(right, left)
        return Part(kind=BOOL, at=left.at)

    def _can_be(self, part: Part, other: Part) -> None:
        """Refuse a text that the field of `part` never has."""
        if part.field is None:
            return
        words = self._known.get(part.field) or FIELDS[part.field].words
        for text in other.texts:
            if words and text not in words:
                problem = f"{part.field} is never {text!r}{meant(text, words)}"
                raise BadExpression(other.at, problem, nearest(text, words))

    def _sum(self) -> Part:
        return self._reckoned(("+", "-"), self._product)

    def _product(self) -> Part:
        return self._reckoned(("*", "/", "%"), self._unary)

    def _reckoned(self, signs: tuple[str, ...], inner: Callable[[], Part]) -> Part:
        part = inner()
        while self._token.text in signs and self._token.shape is Shape.SIGN:
            sign = self._next()
            part = self._result(sign, part, inner())
        return part

    def _result(self, sign: Token, left: Part, right: Part) -> Part:
        if sign.text in ("/", "%"):
            raise BadExpression(sign.at, f"{sign.text} can fail while a case is routed", ("+", "-", "*"))
        kind = SUMS.get((sign.text, left.kind, right.kind))
        if kind is None:
            allowed = sorted({f"{a} {sign.text} {b}" for s, a, b in SUMS if s == sign.text})
            raise BadExpression(sign.at, f"no {left.kind} {sign.text} {right.kind}", allowed)
        return Part(kind=kind, at=left.at)

    def _unary(self) -> Part:
        token = self._token
        if self._took("!"):
            self._deeper()
            self._must_be(self._unary(), BOOL)
            self._depth -= 1
            return Part(kind=BOOL, at=token.at)
        if self._took("-"):
            self._deeper()
            part = self._unary()
            self._depth -= 1
            if part.kind not in (INT, DOUBLE):
                raise BadExpression(part.at, f"no - before a {part.kind}", (INT, DOUBLE))
            return Part(kind=part.kind, at=token.at)
        return self._member()

    def _member(self) -> Part:
        part = self._primary()
        while self._token.shape is Shape.SIGN and self._token.text in (".", "["):
            sign = self._next()
            if sign.text == "[":
                raise BadExpression(sign.at, "an index can fail while a case is routed", ("in", "exists(x, …)"))
            part = self._called(part, self._next())
        return part

    def _called(self, part: Part, name: Token) -> Part:
        allowed = methods_of(part.kind)
        if name.text not in allowed or not self._took("("):
            problem = f"{part.kind} has no {name.text!r}{meant(name.text, allowed)}"
            raise BadExpression(name.at, problem, [f"{each}(…)" for each in nearest(name.text, allowed, at_most=12)])
        item = item_of(part.kind)
        if item is not None and name.text in EACH:
            return self._for_each(part, item, name.text)
        if part.kind == STRING:
            self._text_argument(part, name.text)
            return Part(kind=BOOL, at=part.at)
        self._take(")")
        return Part(kind=INT, at=part.at)

    def _text_argument(self, part: Part, name: str) -> None:
        argument = self._choice()
        self._must_be(argument, STRING)
        if name == "matches":
            if not argument.texts:
                raise BadExpression(argument.at, "a pattern must be written out", ('matches("…")',))
            self.fixed.append((argument.at, '"".matches(p)', argument.texts[0]))
        elif part.field == "text":
            self._is_lower(argument)
        self._take(")")

    def _is_lower(self, argument: Part) -> None:
        for text in argument.texts:
            if text != text.casefold():
                raise BadExpression(argument.at, "text is in lower case", (repr(text.casefold()),))

    def _for_each(self, part: Part, item: str, name: str) -> Part:
        variable = self._next()
        if variable.text in FIELDS or variable.text in self._bound:
            problem = f"{variable.text!r} has a meaning already"
            raise BadExpression(variable.at, problem, ("a new name, such as t",))
        self._take(",")
        self._bound[variable.text] = item
        inner = self._choice()
        del self._bound[variable.text]
        self._take(")")
        if name == "map":
            return Part(kind=list_of(inner.kind), at=part.at)
        self._must_be(inner, BOOL)
        return Part(kind=part.kind if name == "filter" else BOOL, at=part.at)

    def _primary(self) -> Part:
        token = self._next()
        match token.shape:
            case Shape.STRING:
                return Part(kind=STRING, at=token.at, texts=(spelled(token.text),))
            case Shape.INT:
                if int(token.text, 16 if "x" in token.text else 10) > LARGEST:
                    raise BadExpression(token.at, f"{token.text} is too large", (f"up to {LARGEST}",))
                return Part(kind=INT, at=token.at)
            case Shape.DOUBLE:
                return Part(kind=DOUBLE, at=token.at)
            case Shape.NAME:
                return self._name(token)
            case Shape.SIGN if token.text == "(":
                part = self._choice()
                self._take(")")
                return part
            case Shape.SIGN if token.text == "[":
                return self._list(token)
            case _:
                raise BadExpression(token.at, f"{token.text!r} is not for rules", LITERALS)

    def _name(self, token: Token) -> Part:
        if token.text in ("true", "false"):
            return Part(kind=BOOL, at=token.at)
        if self._token.text == "(" and self._token.shape is Shape.SIGN:
            return self._function(token)
        if token.text in self._bound:
            return Part(kind=self._bound[token.text], at=token.at)
        if token.text not in FIELDS:
            problem = f"no field {token.text!r}{meant(token.text, FIELDS)}"
            raise BadExpression(token.at, problem, nearest(token.text, FIELDS, at_most=len(FIELDS)))
        self.named.add(token.text)
        return Part(kind=FIELDS[token.text].kind, at=token.at, field=token.text)

    def _function(self, name: Token) -> Part:
        if name.text not in GLOBAL:
            allowed = [f"{each}(…)" for each in nearest(name.text, GLOBAL)]
            raise BadExpression(name.at, f"no function {name.text!r}", allowed)
        self._take("(")
        argument = self._choice()
        self._take(")")
        if name.text == "size":
            if item_of(argument.kind) is None:
                raise BadExpression(argument.at, f"{argument.kind} has no size", ("size(a list)",))
            return Part(kind=INT, at=name.at)
        part = spelled_out(name, argument)
        self.fixed.append((argument.at, f"{name.text}(p)", argument.texts[0]))
        return part

    def _list(self, opening: Token) -> Part:
        if self._took("]"):
            raise BadExpression(opening.at, "an empty list has no kind", ("size(…) == 0",))
        first = self._choice()
        items = [first]
        while self._took(",") and self._token.text != "]":
            items.append(self._choice())
            self._alike(first, items[-1])
        self._take("]")
        texts = tuple(text for item in items for text in item.texts)
        return Part(kind=list_of(first.kind), at=opening.at, texts=texts)

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            raise BadExpression(self._token.at, "too many brackets inside one another", (f"up to {DEEPEST}",))

    @property
    def _token(self) -> Token:
        return self._tokens[self._here]

    def _next(self) -> Token:
        token = self._token
        self._here = min(self._here + 1, len(self._tokens) - 1)
        return token

    def _took(self, sign: str) -> bool:
        if self._token.shape is Shape.SIGN and self._token.text == sign:
            self._here += 1
            return True
        return False

    def _take(self, sign: str) -> None:
        if not self._took(sign):
            raise BadExpression(self._token.at, f"{self._token.text or 'the end'!r} stands where it cannot", (sign,))

    def _expect_end(self) -> None:
        if self._token.shape is not Shape.END:
            raise BadExpression(self._token.at, f"{self._token.text!r} stands where it cannot", ("the end",))

    def _must_be(self, part: Part, kind: str) -> None:
        if part.kind != kind:
            raise BadExpression(part.at, f"this is of kind {part.kind}", (kind,))

    def _alike(self, one: Part, other: Part) -> None:
        if one.kind != other.kind:
            problem = f"{one.kind} and {other.kind} cannot be compared or joined"
            raise BadExpression(other.at, problem, (one.kind,))
