"""CEL expressions of rules: `fields` says what they may ask of a case, `checker` types them, `compiled` answers.

The engine is the package `common-expression-language` (CEL by cel-rust): it reads and evaluates, but
has no type checker and gives no syntax tree; so a playbook's expressions are typed here before they may
come into force. Pure: no input or output, no clock.
"""

from shared.playbook.expression.compiled import Answer, Expression, compiled
from shared.playbook.expression.fields import FIELDS, Asking, values_of
from shared.playbook.expression.grammar import BadExpression

__all__ = ["FIELDS", "Answer", "Asking", "BadExpression", "Expression", "compiled", "values_of"]
