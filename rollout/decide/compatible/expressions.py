"""What can be told of an expression from its text, as PostgreSQL writes it.

Nothing is evaluated: what is not plainly harmless counts as able to fail.
"""

from __future__ import annotations

import re

_LITERAL = re.compile(r"E?'(?:[^']|'')*'")
_CONSTANT = re.compile(
    r"(?:(?P<text>'(?:[^']|'')*')|(?P<number>\(?'?-?\d+(?:\.\d+)?'?\)?)|true|false)"
    r"(?:::[\w .\"()\[\],]+)?\Z"
)
_CALL = re.compile(r"([\w.\"]+)\(")
_CAST = re.compile(r"::([a-z][a-z ]*)")
_RANDOM = re.compile(r"(?:[\w\"]+\.)?(?:gen_random_uuid|uuidv[47]|uuid_generate_v[14])\(\)\Z")

# None of these fails, whatever it is given.
_HARMLESS = {
    "btrim", "char_length", "clock_timestamp", "coalesce", "concat", "gen_random_uuid",
    "jsonb_build_object", "length", "lower", "ltrim", "md5", "nextval", "now", "rtrim",
    "setweight", "statement_timestamp", "timezone", "to_tsvector", "transaction_timestamp",
    "upper", "uuidv4", "uuidv7",
}  # fmt: skip
_STRICT = {"abs", "btrim", "char_length", "length", "lower", "upper"}
_HARMLESS_CASTS = {
    "text", "character varying", "regconfig", "regclass", "jsonb", "json", "interval", "date",
    "timestamp without time zone", "timestamp with time zone", "boolean", "uuid",
}  # fmt: skip


def is_constant(expression: str) -> bool:
    """Return whether it is one value, written down."""
    return _CONSTANT.match(expression) is not None


def is_random(expression: str) -> bool:
    """Return whether it gives another value each time: a UUID or a sequence's next."""
    return _RANDOM.match(expression) is not None or expression.startswith("nextval(")


def bare(expression: str) -> str:
    """Return a constant without its type, and anything else as it is.

    Example:
        >>> bare("'calm'::public.mood")
        "'calm'"
    """
    found = _CONSTANT.match(expression)
    return expression.partition("::")[0] if found and "'::" in expression else expression


def default_may_fail(expression: str, type_: str) -> bool:
    """Return whether a default can be refused by its own column.

    Args:
        expression: The default.
        type_: The column's type.
    """
    if is_constant(expression):
        return not _fits(expression, type_)
    return is_random(expression) is False and (_may_fail(expression, r"[*/%^]") or "(" in type_)


def generated_may_fail(expression: str, type_: str) -> bool:
    """Return whether computing a generated column can refuse a row."""
    return _may_fail(expression, r"[-+*/%^]") or "(" in type_


def passes_null(expression: str) -> bool:
    """Return whether a check holds for sure when all its columns are NULL."""
    text = _LITERAL.sub("''", expression)
    if re.search(r"\b(?:IS|CASE|DISTINCT|NULLIF|SELECT)\b", text):
        return False
    return all(name in _STRICT for name in _CALL.findall(text))


def _may_fail(expression: str, operators: str) -> bool:
    text = _LITERAL.sub("''", expression)
    if re.search(operators, text) or re.search(r"\b(?:SELECT|CASE)\b", text):
        return True
    if any(name.lower() not in _HARMLESS for name in _CALL.findall(text)):
        return True
    # A literal's cast was seen to work when the default was set; a column's may fail on its value.
    without = re.sub(r"''::[\w .\"]+(?:\[\])*", "''", text)
    return any(cast.strip() not in _HARMLESS_CASTS for cast in _CAST.findall(without))


def _fits(expression: str, type_: str) -> bool:
    """Return whether a constant is within its column's length."""
    limit = re.search(r"\((\d+)(?:,(-?\d+))?\)", type_)
    if limit is None or type_.startswith(("time", "interval")):
        return True
    size, scale = int(limit[1]), int(limit[2] or 0)
    text = bare(expression).strip("()").strip("'").replace("''", "'")
    if type_.startswith("numeric"):
        whole = text.lstrip("-").partition(".")[0]
        return whole.isdigit() and len(whole.lstrip("0")) <= size - scale
    return type_.startswith("character") and len(text) <= size
