"""Reads `a[b][0][c]=d` into nested values and holds them against the parameters an endpoint knows."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from sandbox.errors import InvalidParameter

Nested = dict[str, Any]
Rule = Callable[[Any, str], Any]

LONGEST_TEXT = 5000
METADATA_KEYS, METADATA_NAME, METADATA_VALUE = 50, 40, 500
_KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)\Z")


def nested(pairs: Iterable[tuple[str, str]]) -> Nested:
    """`[("a[b][0]", "x")]` → `{"a": {"b": {"0": "x"}}}`; `a[]` takes the next free number."""
    result: Nested = {}
    for key, value in pairs:
        match = _KEY.match(key)
        if not match:
            raise InvalidParameter(f"Invalid request (could not read the parameter name {key!r}).")
        path = [match[1], *re.findall(r"\[([^\[\]]*)\]", match[2])]
        place = result
        for name in path[:-1]:
            inner = place.setdefault(name or str(len(place)), {})
            if not isinstance(inner, dict):
                raise InvalidParameter(f"Invalid object: {key}", param=path[0])
            place = inner
        last = path[-1] or str(len(place))
        if isinstance(place.get(last), dict):
            raise InvalidParameter(f"Invalid object: {key}", param=path[0])
        place[last] = value
    return result


def read(given: Nested, known: Mapping[str, Rule], required: Iterable[str] = ()) -> Nested:
    """`given` with each value read by its rule. Raises InvalidParameter: unknown, missing, or of the wrong shape."""
    values: Nested = structure(known, required)(given, "")
    return values


def structure(known: Mapping[str, Rule], required: Iterable[str] = ()) -> Rule:
    needed = tuple(required)

    def rule(value: Any, param: str) -> Nested:
        if not isinstance(value, dict):
            raise InvalidParameter("Invalid object", param=param)
        unknown = [_inside(param, name) for name in value if name not in known]
        if unknown:
            plural = "s" if len(unknown) > 1 else ""
            raise InvalidParameter(
                f"Received unknown parameter{plural}: {', '.join(unknown)}", code="parameter_unknown", param=unknown[0]
            )
        for name in needed:
            if name not in value:
                absent = _inside(param, name)
                raise InvalidParameter(f"Missing required param: {absent}.", code="parameter_missing", param=absent)
        return {name: known[name](inner, _inside(param, name)) for name, inner in value.items()}

    return rule


def sequence(of: Rule, most: int) -> Rule:
    def rule(value: Any, param: str) -> list[Any]:
        if not isinstance(value, dict) or not all(name.isdecimal() for name in value):
            raise InvalidParameter("Invalid array", param=param)
        if len(value) > most:
            raise InvalidParameter(f"Array {param} exceeded maximum {most} allowed elements.", param=param)
        return [of(value[name], f"{param}[{name}]") for name in sorted(value, key=int)]

    return rule


def text(longest: int = LONGEST_TEXT) -> Rule:
    def rule(value: Any, param: str) -> str:
        if not isinstance(value, str):
            raise InvalidParameter("Invalid string", param=param)
        if not value:
            raise InvalidParameter(
                f"You passed an empty string for '{param}'. We assume empty values are an attempt to unset a "
                f"parameter; however '{param}' cannot be unset. You should remove '{param}' from your request or "
                "supply a non-empty value.",
                code="parameter_invalid_empty",
                param=param,
            )
        if len(value) > longest:
            raise InvalidParameter(
                f"Invalid string: must be at most {longest} characters",
                code="parameter_invalid_string_too_long",
                param=param,
            )
        return value

    return rule


def integer(least: int | None = None, most: int | None = None) -> Rule:
    def rule(value: Any, param: str) -> int:
        if not isinstance(value, str) or not re.fullmatch(r"-?[0-9]{1,18}", value):
            raise InvalidParameter(f"Invalid integer: {value}", code="parameter_invalid_integer", param=param)
        number = int(value)
        if least is not None and number < least:
            raise InvalidParameter(
                f"This value must be greater than or equal to {least}.", code="parameter_invalid_integer", param=param
            )
        if most is not None and number > most:
            raise InvalidParameter(
                f"This value must be less than or equal to {most} (it currently is '{number}').",
                code="parameter_invalid_integer",
                param=param,
            )
        return number

    return rule


def boolean(value: Any, param: str) -> bool:
    if value not in ("true", "false"):
        raise InvalidParameter(f"Invalid boolean: {value}", param=param)
    return bool(value == "true")


def choice(*allowed: str) -> Rule:
    def rule(value: Any, param: str) -> str:
        if not isinstance(value, str) or value not in allowed:
            listed = ", ".join(allowed[:-1]) + f", or {allowed[-1]}" if len(allowed) > 1 else allowed[0]
            raise InvalidParameter(f"Invalid {param}: must be one of {listed}", param=param)
        return value

    return rule


def url(value: Any, param: str) -> str:
    address: str = text()(value, param)
    try:
        parts = urlsplit(address)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        valid = False
    if not valid:
        raise InvalidParameter("Not a valid URL", code="url_invalid", param=param)
    return address


def email(value: Any, param: str) -> str:
    address: str = text(800)(value, param)
    if not re.fullmatch(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+", address):
        raise InvalidParameter(f"Invalid email address: {address}", code="email_invalid", param=param)
    return address


def metadata(value: Any, param: str) -> dict[str, str]:
    if value == "":
        return {}
    if not isinstance(value, dict):
        raise InvalidParameter("Invalid object", param=param)
    if len(value) > METADATA_KEYS:
        raise InvalidParameter(f"Metadata can have up to {METADATA_KEYS} keys.", param=param)
    for name, item in value.items():
        if not isinstance(item, str):
            raise InvalidParameter("Metadata values must be strings.", param=f"{param}[{name}]")
        if len(name) > METADATA_NAME:
            raise InvalidParameter(
                f"Metadata keys can have up to {METADATA_NAME} characters, but you passed in a key that is "
                f"{len(name)} characters. Invalid key: {name}",
                param=f"{param}[{name}]",
            )
        if len(item) > METADATA_VALUE:
            raise InvalidParameter(
                f"Metadata values can have up to {METADATA_VALUE} characters, but you passed in a value that is "
                f"{len(item)} characters. Invalid value: {item}",
                param=f"{param}[{name}]",
            )
    return {name: item for name, item in value.items() if item}


def expandable(*fields: str) -> Rule:
    """The `expand` parameter: which fields of the answer come as whole objects."""

    def field(value: Any, param: str) -> str:
        if value not in fields:
            raise InvalidParameter(
                f"This property cannot be expanded ({value}). You may want to try expanding another.", param=param
            )
        return str(value)

    return sequence(field, 20)


def _inside(param: str, name: str) -> str:
    return f"{param}[{name}]" if param else name
