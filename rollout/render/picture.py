"""The picture of a switch: requests per second, errors and who answered, as seen from outside.

It is an SVG that brings its own background, for light and for dark, because what shows it may have
another theme than the machine. Colour is never the only sign: who answered stands in words.
"""

from __future__ import annotations

from base64 import b64encode
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from rollout.model.layout import release_service
from rollout.model.sample import Sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollout.model.release import Release

_WIDTH, _LEFT, _RIGHT = 760, 56, 744
_TOP, _FLOOR, _ROW = 44, 184, 24
_MOST_BARS = 60
_MOST_TICKS = 8
_MOST_OTHERS = 3
_LONGEST_NAME = 40
_STEPS = (0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600)
_STYLE = """
.ground{fill:#ffffff}.text{fill:#1f2933}.line{stroke:#8a94a0}.mark{stroke:#1f2933}
.new{fill:#1f8a5b}.old{fill:#7d8ca3}.lost{fill:#c92a2a}
text{font:12px system-ui,sans-serif}
@media (prefers-color-scheme:dark){
.ground{fill:#1b1d21}.text{fill:#e6e9ec}.line{stroke:#67717d}.mark{stroke:#e6e9ec}
.new{fill:#3fbf85}.old{fill:#8fa0b8}.lost{fill:#ff6b6b}}
"""


@dataclass(frozen=True, slots=True)
class Watched:
    """What samples come to, as figures.

    Attributes:
        asked: How many requests were sent.
        lost: How many a user would have seen as an error.
        span_s: From the first request to the end of the last one.
        switched_s: When the release's first answer was asked for, in seconds since the watching
            began; None when it never answered.
        slowest_s: The longest time until a good answer; 0 when there was none.
        pause_s: The longest time between the ends of two good answers; 0 below two.
    """

    asked: int
    lost: int
    span_s: float
    switched_s: float | None
    slowest_s: float
    pause_s: float

    def sentence(self) -> str:
        """Return the figures in words.

        Example:
            >>> Watched(80, 0, 8.0, 5.25, 0.12, 0.21).sentence()
            '80 requests in 8.0 s, 0 lost; switched after 5.2 s; slowest answer 120 ms, longest \
pause 210 ms'
        """
        switched = "never seen switched"
        if self.switched_s is not None:
            switched = f"switched after {self.switched_s:.1f} s"
        return (
            f"{self.asked} requests in {self.span_s:.1f} s, {self.lost} lost; {switched}; slowest "
            f"answer {self.slowest_s * 1000:.0f} ms, longest pause {self.pause_s * 1000:.0f} ms"
        )


@dataclass(frozen=True, slots=True)
class _View:
    """The samples, and how they lie in the picture.

    Attributes:
        own: The network name of the release's own container.
        version: Its commit.
        span_s: How many seconds the picture is wide.
        step_s: How many seconds one bar is wide.
    """

    samples: Sequence[Sample]
    own: str
    version: str
    span_s: float
    step_s: float

    def kind(self, sample: Sample) -> str:
        """Return what a request is drawn as."""
        if sample.lost:
            return "lost"
        named = sample.upstream == self.own if sample.upstream else sample.version == self.version
        return "new" if named else "old"

    def step(self, sample: Sample) -> int:
        """Return the bar that a request belongs to."""
        return int(sample.at_s / self.step_s)

    def x(self, seconds: float) -> float:
        """Return where a moment lies."""
        return round(_LEFT + (_RIGHT - _LEFT) * min(seconds, self.span_s) / self.span_s, 1)


def summarise(samples: Sequence[Sample], release: Release, service: str) -> Watched:
    """Return the figures of what was seen while a release came to serve.

    Args:
        samples: What was seen, in order; at least one.
        release: The release that was to serve.
        service: The compose service that is switched.
    """
    view = _view(samples, release, service)
    good = [one for one in samples if not one.lost]
    ends = sorted(one.at_s + one.latency_s for one in good)
    return Watched(
        asked=len(samples),
        lost=len(samples) - len(good),
        span_s=view.span_s,
        switched_s=next((one.at_s for one in good if view.kind(one) == "new"), None),
        slowest_s=max((one.latency_s for one in good), default=0.0),
        pause_s=max((later - earlier for earlier, later in pairwise(ends)), default=0.0),
    )


def render_picture(samples: Sequence[Sample], release: Release, service: str) -> str:
    """Return the picture as SVG.

    Args:
        samples: What was seen, in order; at least one.
        release: The release that was to serve.
        service: The compose service that is switched.
    """
    view, told = _view(samples, release, service), summarise(samples, release, service)
    rows = list(_rows(view))
    base = _FLOOR + 34 + _ROW * len(rows)
    title = f"Release {release.number}, seen from outside: {told.sentence()}"
    size = f'viewBox="0 0 {_WIDTH} {base}" width="{_WIDTH}" height="{base}"'
    return "".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">',
            f"<title>{escape(title)}</title><style>{_STYLE}</style>",
            f'<rect class="ground" width="{_WIDTH}" height="{base}" rx="6"/>',
            _text(_LEFT, 20, "requests per second, by who answered", "start"),
            *_bars(view),
            *_axes(view),
            *rows,
            *_switch(view, told),
            "</svg>",
        )
    )


def data_uri(svg: str) -> str:
    """Return a picture as an address that holds it.

    Source: Prefect 3.8.8's UI shows such a picture in markdown, and cleans away an `<svg>` of its
    own; seen 2026-11-23.
    """
    return f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}"


def _view(samples: Sequence[Sample], release: Release, service: str) -> _View:
    span_s = max(max(one.at_s + one.latency_s for one in samples), _STEPS[0])
    own = release_service(service, release.number)
    return _View(samples, own, release.version.sha, span_s, _step_s(span_s, _MOST_BARS))


def _step_s(span_s: float, most: int) -> float:
    """Return the round number of seconds that cuts a span into so many parts at most."""
    return next((step for step in _STEPS if span_s / step <= most), span_s / most)


def _bars(view: _View) -> Iterator[str]:
    """Yield a bar for each whole step of time; the last one, which is cut off, would look low."""
    counts = Counter((view.step(one), view.kind(one)) for one in view.samples)
    scale = (_FLOOR - _TOP) / _busiest(view)
    for step in range(max(1, int(view.span_s / view.step_s))):
        left, floor = view.x(step * view.step_s), float(_FLOOR)
        width = view.x((step + 1) * view.step_s) - left - 1
        for kind in ("old", "new", "lost"):
            height = round(counts[step, kind] * scale, 1)
            floor = round(floor - height, 1)
            if height:
                yield _rect(kind, left, floor, width, height)


def _busiest(view: _View) -> int:
    """Return how many requests were sent in the step that has most of them."""
    return max(Counter(view.step(one) for one in view.samples).values())


def _axes(view: _View) -> Iterator[str]:
    yield f'<path class="line" fill="none" d="M{_LEFT} {_TOP}V{_FLOOR}H{_RIGHT}"/>'
    yield _text(_LEFT - 6, _TOP + 4, f"{_busiest(view) / view.step_s:g}/s", "end")
    yield _text(_LEFT - 6, _FLOOR + 4, "0/s", "end")
    step_s = _step_s(view.span_s, _MOST_TICKS)
    for tick in range(int(view.span_s / step_s) + 1):
        yield _text(view.x(tick * step_s), _FLOOR + 18, f"{tick * step_s:g} s", "middle")


def _rows(view: _View) -> Iterator[str]:
    """Yield a row for each who answered, from its first to its last answer, and one for errors.

    Of others than the release only a few are shown: what answers may call itself anything.
    """
    seen: dict[tuple[str, str], list[Sample]] = {}
    for one in view.samples:
        seen.setdefault((view.kind(one), one.who or "nobody named"), []).append(one)
    lost = [one for (kind, _), them in seen.items() if kind == "lost" for one in them]
    others = [key for key in seen if key[0] == "old"][:_MOST_OTHERS]
    shown = [*others, *[key for key in seen if key[0] == "new"][:1]]
    for row, key in enumerate(shown):
        yield _answers(view, row, key, seen[key])
    yield _errors(view, len(shown), lost)


def _answers(view: _View, row: int, key: tuple[str, str], them: list[Sample]) -> str:
    kind, who = key
    first, last = view.x(them[0].at_s), view.x(them[-1].at_s)
    band = _rect(kind, first, _row_top(row), max(3.0, last - first), 6)
    return band + _label(f"{who[:_LONGEST_NAME]}: {len(them)}", first, row)


def _errors(view: _View, row: int, lost: list[Sample]) -> str:
    steps = sorted({view.step(one) for one in lost})
    spans = ((view.x(one * view.step_s), view.x((one + 1) * view.step_s)) for one in steps)
    marks = (_rect("lost", x, _row_top(row), max(3.0, end - x - 1), 6) for x, end in spans)
    return "".join(marks) + _label(f"errors: {len(lost)}", _LEFT, row)


def _row_top(row: int) -> int:
    return _FLOOR + 28 + _ROW * row


def _label(words: str, x: float, row: int) -> str:
    """Return the words below a row's mark, turned inwards in the right half."""
    if x > _WIDTH / 2:
        return _text(_RIGHT, _row_top(row) + 18, words, "end")
    return _text(x, _row_top(row) + 18, words, "start")


def _switch(view: _View, told: Watched) -> Iterator[str]:
    if told.switched_s is None:
        return
    x, words = view.x(told.switched_s), f"switch, {told.switched_s:.1f} s"
    yield f'<path class="mark" stroke-dasharray="4 3" d="M{x:g} {_TOP - 12}V{_FLOOR}"/>'
    right = x > _WIDTH / 2
    yield _text(x - 4 if right else x + 4, _TOP - 6, words, "end" if right else "start")


def _rect(kind: str, x: float, y: float, width: float, height: float) -> str:
    place = f'x="{x:g}" y="{y:g}" width="{width:.1f}" height="{height:g}"'
    return f'<rect class="{kind}" {place}/>'


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text class="text" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(words)}</text>'
