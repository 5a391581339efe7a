"""The pictures of the rooms in CONTRIBUTING.md, held against the imports."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from itertools import pairwise

import grimp
import pytest

from pipeline_tools.environments import ROOT

PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PACKAGES = sorted(path.parent.name for path in (ROOT / "src").glob("*/__init__.py"))
Arrows = set[tuple[str, str]]


@cache
def imports() -> Arrows:
    """Which module imports which, of all packages; the files of bench's rivals are programs, which nobody imports."""
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    return {(one, other) for one in graph.modules for other in graph.find_modules_directly_imported_by(one)}


def package(module: str) -> str:
    return module.partition(".")[0]


def room_of_the_tools(module: str) -> str:
    """A folder of pipeline_tools is a room; the modules beside the folders are what the rooms share."""
    name, _, rest = module.partition(".")
    room = rest.partition(".")[0]
    return "" if name != "pipeline_tools" else room if (ROOT / "src" / name / room).is_dir() and room else "shared"


def room_of_the_endpoint(module: str) -> str:
    """A folder of engines or services is a room, as are the modules beside such folders."""
    name, *rest = module.split(".")
    if name != "local_aws":
        return ""
    if rest == ["__main__"]:
        return "command"
    if rest[:1] in (["engines"], ["services"]):
        room = rest[1] if len(rest) > 1 else ""
        return room if (ROOT / "src" / name / rest[0] / room).is_dir() and room else f"all_{rest[0]}"
    return "jsonata" if rest[:1] == ["jsonata"] else "shared"


ROOMS: dict[str, Callable[[str], str]] = {
    "packages": package,
    "pipeline_tools": room_of_the_tools,
    "local_aws": room_of_the_endpoint,
}


def real(room: Callable[[str], str]) -> Arrows:
    rooms = {(room(one), room(other)) for one, other in imports()}
    return {(one, other) for one, other in rooms if one and other and one != other}


def drawn(title: str) -> Arrows:
    (picture,) = re.findall(rf"```mermaid\n%% {title}: [^\n]*\n(.*?)```", PAGE, re.DOTALL)
    lines = [re.findall(r"\w+", line) for line in picture.splitlines() if "-->" in line]
    return {pair for line in lines for pair in pairwise(line)}


def reachable(arrows: Arrows) -> Arrows:
    found = set(arrows)
    while more := {(a, d) for a, b in found for c, d in found if b == c} - found:
        found |= more
    return found


@pytest.mark.parametrize("title", ROOMS)
def test_an_arrow_is_an_import_and_an_import_follows_arrows(title: str) -> None:
    arrows, wanted = drawn(title), real(ROOMS[title])
    assert len(arrows) > 5
    assert arrows - wanted == set(), "no such import"
    assert wanted - reachable(arrows) == set(), "no arrow leads there"


@pytest.mark.parametrize("title", ROOMS)
def test_no_arrow_says_what_others_say_and_none_leads_back(title: str) -> None:
    arrows = drawn(title)
    assert [arrow for arrow in sorted(arrows) if arrow in reachable(arrows - {arrow})] == []
    assert [one for one, other in reachable(arrows) if one == other] == []
