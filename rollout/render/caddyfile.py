"""The proxy's Caddyfile, derived from the application's own so that a switch loses nothing.

`reverse_proxy web:3000` becomes a proxy to whatever name the file `live` holds, which Caddy reads
for every request: a switch is a `mv`, and nothing is reloaded. The other settings were measured
(DECISIONS.md): without them a switch, or no switch at all, loses a few requests in thousands.
Everything else in the file stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout.errors import ConfigInvalid
from rollout.model import layout as names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollout.config import Application

# A request body is read whole (up to this) before it goes on: a kept-alive connection that the
# application closes at that moment would otherwise cut a POST short.
REQUEST_BUFFERS = "request_buffers 64KiB"
# How long Caddy looks for the live container before it gives up.
TRY_DURATION = "lb_try_duration 5s"
# Below the 5 s after which Node closes an idle connection.
KEEPALIVE = "keepalive 3s"
# Tells the release to those outside when the health body does not.
RELEASE_HEADER = "X-Release"
_HEADER = f"header_down {RELEASE_HEADER} {{http.reverse_proxy.upstream.host}}"

_INDENT = "\t"
# Ports that Caddy takes for itself.
_PUBLIC_PORTS = (80, 443)


@dataclass(frozen=True, slots=True)
class _Directive:
    """A directive of a Caddyfile: its first line's words, and its block, braces left out."""

    indent: str
    words: tuple[str, ...]
    block: tuple[str, ...]


def render_caddyfile(text: str, application: Application) -> str:
    """Return the Caddyfile that a host's proxy runs.

    Args:
        text: The application's own Caddyfile.
        application: Names the service and the port that it sends requests to.

    Raises:
        ConfigInvalid: When no `reverse_proxy` names the service, one names others beside it, or a
            brace is missing.
    """
    lines = text.splitlines()
    rendered: list[str] = []
    changed = False
    index = 0
    while index < len(lines):
        is_proxy = _words(lines[index])[:1] == ["reverse_proxy"]
        end = (_end(lines, index) or len(lines)) if is_proxy else index + 1
        own = _render(lines[index:end], application)
        changed = changed or own is not None
        rendered += lines[index:end] if own is None else own
        index = end
    if not changed:
        raise ConfigInvalid(
            application.caddyfile,
            f"no reverse_proxy names {application.service}:{application.port}",
        )
    return "\n".join([*rendered, *_inside(application), ""])


def _render(lines: list[str], application: Application) -> list[str] | None:
    """Return the lines of a proxy that names the service, rendered; None for any other lines."""
    if _words(lines[0])[:1] != ["reverse_proxy"]:
        return None
    if _end(lines, 0) is None:
        raise ConfigInvalid(application.caddyfile, "a brace is missing")
    directive = _directive(lines)
    matcher, upstreams = _addresses(directive)
    if not any(_names_service(upstream, application) for upstream in upstreams):
        return None
    if len(upstreams) > 1:
        raise ConfigInvalid(
            application.caddyfile, f"reverse_proxy {' '.join(upstreams)}: more than one upstream"
        )
    if not directive.indent:
        raise ConfigInvalid(application.caddyfile, "reverse_proxy stands outside of a site's block")
    return list(_proxy(directive.indent, matcher, directive.block, application))


def _proxy(
    indent: str, matcher: tuple[str, ...], block: tuple[str, ...], application: Application
) -> Iterator[str]:
    """Yield a proxy to the live release with the measured settings; those that stand there win."""
    inner = indent + _INDENT
    settings = {tuple(_words(line)[:1]) for line in block}
    live = f"{{file.{names.PROXY_MOUNT}/{names.LIVE}}}:{application.port}"
    yield f"{indent}{' '.join(('reverse_proxy', *matcher, live))} {{"
    yield from _with_keepalive(tuple(line for line in block if _words(line)[:1] != ["to"]), inner)
    for setting in (REQUEST_BUFFERS, TRY_DURATION):
        if tuple(setting.split()[:1]) not in settings:
            yield inner + setting
    if ("transport",) not in settings:
        yield f"{inner}transport http {{"
        yield inner + _INDENT + KEEPALIVE
        yield f"{inner}}}"
    yield inner + _HEADER
    yield f"{indent}}}"


def _with_keepalive(block: tuple[str, ...], inner: str) -> Iterator[str]:
    """Yield a block whose HTTP transport closes idle connections before the application does."""
    told = any(_words(line)[:1] == ["keepalive"] for line in block)
    for line in block:
        words = _words(line)
        if told or words[:2] != ["transport", "http"]:
            yield line
            continue
        yield f"{inner}transport http {{"
        yield inner + _INDENT + KEEPALIVE
        if words[-1] != "{":
            yield f"{inner}}}"


def _inside(application: Application) -> tuple[str, ...]:
    """Return the site for containers that call the service by its name."""
    if application.port in _PUBLIC_PORTS:
        return ()
    return (
        "",
        f"# Containers that call {application.service}:{application.port} reach the live release.",
        f"http://:{application.port} {{",
        *_proxy(_INDENT, (), (), application),
        "}",
    )


def _addresses(directive: _Directive) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return a proxy's matcher, of one word or none, and its upstreams wherever they stand."""
    words = directive.words[1:]
    matcher = words[:1] if words and words[0][0] in "/*@" else ()
    more = [_words(line)[1:] for line in directive.block if _words(line)[:1] == ["to"]]
    return matcher, (*words[len(matcher) :], *(word for line in more for word in line))


def _names_service(upstream: str, application: Application) -> bool:
    return upstream.removeprefix("http://") == f"{application.service}:{application.port}"


def _directive(lines: list[str]) -> _Directive:
    first = lines[0]
    indent = first[: len(first) - len(first.lstrip())]
    words = tuple(word for word in _words(first) if word != "{")
    return _Directive(indent, words, tuple(lines[1:-1]))


def _end(lines: list[str], start: int) -> int | None:
    """Return the index after a directive's last line, or None when its block does not end."""
    depth = 0
    for index in range(start, len(lines)):
        words = _words(lines[index])
        depth += (words[-1:] == ["{"]) - (words[:1] == ["}"])
        if depth <= 0:
            return index + 1
    return None


def _words(line: str) -> list[str]:
    """Return a line's words without its comment; quotes matter in no line that is looked at."""
    return line.partition(" #")[0].split() if not line.lstrip().startswith("#") else []
