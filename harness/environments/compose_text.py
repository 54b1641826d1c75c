"""Text as Compose reads it: `${VAR}` interpolation and env files. Pure functions of their input.

A variable that is neither set nor given a default is refused, where `docker compose` would warn
and go on with nothing: an empty password or address makes a system that nobody declared.
"""

import re
from collections.abc import Mapping
from dataclasses import replace

from harness.environments.compose_yaml import Item, Problem

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_LINE = re.compile(
    r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]*)\s*(?:(=)\s*(.*))?", re.ASCII | re.DOTALL
)
_OPERATORS = (":-", ":?", ":+", "-", "?", "+")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": "$$"}
_MAX_NESTING = 20


class BadText(Exception):
    """What is wrong with a text, and what to do; the caller knows where it stands."""

    def __init__(self, what: str, todo: str) -> None:
        super().__init__(what)
        self.what = what
        self.todo = todo


def interpolate(text: str, environ: Mapping[str, str], *, _depth: int = 0) -> str:
    """`text` with `$VAR`, `${VAR}`, `${VAR:-default}` (also `-`, `:?`, `?`, `:+`, `+`; nested)
    replaced and `$$` as `$`. Raises BadText."""
    if _depth > _MAX_NESTING:
        raise BadText("nests ${…} too deeply", "flatten it")
    done: list[str] = []
    at = 0
    while (dollar := text.find("$", at)) >= 0:
        done.append(text[at:dollar])
        after = dollar + 1
        if text.startswith("$", after):
            done.append("$")
            at = after + 1
        elif text.startswith("{", after):
            end = _closing(text, after + 1)
            done.append(_expand(text[after + 1 : end], environ, _depth))
            at = end + 1
        elif name := _NAME.match(text, after):
            done.append(_value(name.group(), environ))
            at = name.end()
        else:
            raise BadText(f"has a lone $ in {text[:60]!r}", "write $$ for a dollar sign")
    done.append(text[at:])
    return "".join(done)


def _closing(text: str, start: int) -> int:
    """The index of the brace that closes the one before `start`."""
    nested, at = 0, start
    while at < len(text):
        if text.startswith("${", at):
            nested += 1
            at += 1
        elif text[at] == "}":
            if nested == 0:
                return at
            nested -= 1
        at += 1
    raise BadText(f"has a ${{ without its }} in {text[:60]!r}", "close it, or write $$ for $")


def _expand(inner: str, environ: Mapping[str, str], depth: int) -> str:
    name = _NAME.match(inner)
    if name is None:
        raise BadText(f"has no variable name in '${{{inner[:60]}}}'", "write ${NAME}")
    rest = inner[name.end() :]
    if not rest:
        return _value(name.group(), environ)
    operator = next((o for o in _OPERATORS if rest.startswith(o)), None)
    if operator is None:
        raise BadText(
            f"has an unknown form of variable in '${{{inner[:60]}}}'",
            "write ${NAME}, ${NAME:-default} or ${NAME:?message}",
        )
    present = environ.get(name.group())
    if operator.startswith(":") and not present:
        present = None
    other = rest[len(operator) :]
    match operator[-1]:
        case "-":
            return interpolate(other, environ, _depth=depth + 1) if present is None else present
        case "+":
            return "" if present is None else interpolate(other, environ, _depth=depth + 1)
        case _:
            if present is None:
                said = interpolate(other, environ, _depth=depth + 1)
                raise BadText(
                    f"needs the variable {name.group()}" + (f": {said[:200]}" if said else ""),
                    f"set {name.group()} in the environment",
                )
            return present


def _value(name: str, environ: Mapping[str, str]) -> str:
    if name in environ:
        return environ[name]
    raise BadText(
        f"uses the variable {name}, which is not set",
        f"set it, or give a default: ${{{name}:-…}}",
    )


def parse_env_file(text: str, environ: Mapping[str, str], *, path: str) -> dict[str, str]:
    """The variables of an env file: `NAME=value`, quotes, `# comments`, `export`, interpolation
    (of `environ` and of the lines before) except in single quotes. A bare `NAME` is passed on from
    `environ`. Raises Problem with `path` and the line."""
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        parts = _LINE.fullmatch(stripped)
        if parts is None:
            raise Problem(
                number, f"{stripped[:60]!r} is no variable", "write NAME=value", path=path
            )
        name, equals, value = parts.groups()
        if equals is None:
            if name in environ:
                found[name] = environ[name]
            continue
        try:
            found[name] = _env_value(value, {**found, **environ})
        except BadText as bad:
            raise Problem(number, f"{name} {bad.what}", bad.todo, path=path) from None
    return found


def _env_value(value: str, environ: Mapping[str, str]) -> str:
    if "\0" in value:
        raise BadText("holds a NUL character", "remove it")
    if value[:1] not in ("'", '"'):
        return interpolate(re.split(r"(?:^|\s)#", value, maxsplit=1)[0].rstrip(), environ)
    quote = value[0]
    end = _end_of_quote(value, quote)
    rest = value[end + 1 :].strip()
    if rest and not rest.startswith("#"):
        raise BadText("has text after its closing quote", "remove it or quote the whole value")
    inner = value[1:end]
    if quote == "'":
        return inner
    return interpolate(
        re.sub(r"\\(.)", lambda m: _ESCAPES.get(m.group(1), m.group()), inner), environ
    )


def _end_of_quote(value: str, quote: str) -> int:
    at = 1
    while at < len(value):
        if value[at] == "\\" and quote == '"':
            at += 1
        elif value[at] == quote:
            return at
        at += 1
    raise BadText("has a quote that is not closed on its line", "close it")


def interpolated(item: Item, environ: Mapping[str, str]) -> Item:
    """The same tree with every text in it interpolated, keys left alone. Raises Problem."""
    value = item.value
    if isinstance(value, str):
        try:
            return replace(item, value=interpolate(value, environ))
        except BadText as bad:
            raise item.problem(bad.what, bad.todo) from None
    if isinstance(value, tuple):
        return replace(item, value=tuple(interpolated(child, environ) for child in value))
    if isinstance(value, Mapping):
        return replace(item, value={k: interpolated(v, environ) for k, v in value.items()})
    return item
