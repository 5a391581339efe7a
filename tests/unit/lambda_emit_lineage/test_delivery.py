"""Each event comes to the lake once, and to the URL at least once."""

from __future__ import annotations

import http.client
import json

import pytest

from lambda_emit_lineage.delivery import NotSentError
from tests.unit.lambda_emit_lineage.conftest import World, status

URL = "https://marquez.example.com/api/v1/lineage"


@pytest.fixture
def world(world: World) -> World:
    world.url = URL
    world.leave("python", 1, 9)
    return world


def kinds(world: World) -> list[tuple[str, str]]:
    return [(document["job"]["name"].rpartition(".")[2], document["eventType"]) for _, document in world.posted]


def test_each_event_is_posted_once_and_in_order(world: World) -> None:
    world.deliver(status("RUNNING"), status(), status(), status("RUNNING"))
    world.now += 1000
    world.deliver(status(), status("RUNNING"))
    assert kinds(world) == [
        ("flights", "START"),
        ("python", "START"),
        ("python", "COMPLETE"),
        ("flights", "RUNNING"),
        ("flights", "COMPLETE"),
    ]
    assert [document for _, document in world.posted] == list(world.events().values())
    assert world.posted[0][0] == {"content-type": "application/json", "user-agent": "traceable-data-pipeline"}


@pytest.mark.parametrize(
    "answer", [ConnectionRefusedError("refused"), TimeoutError("slow"), http.client.BadStatusLine("x"), 500, 401, 302]
)
def test_a_lost_endpoint_loses_nothing_in_the_lake_and_gets_it_with_the_next_try(
    world: World, answer: int | Exception
) -> None:
    world.deliver(status("RUNNING"))
    world.answers = [201, answer]
    with pytest.raises(NotSentError, match=r"marquez\.example\.com did not take flights/"):
        world.deliver(status())
    assert len(world.events()) == 5
    assert world.logged[-1]["message"] == "event not sent"
    before = [each for each in kinds(world) if not isinstance(answer, int)]
    assert before == ([] if isinstance(answer, int) else [("flights", "START"), ("python", "START")])
    # Another delivery leaves it to Lambda's own retry, which comes after a minute.
    world.answers, world.posted = [], []
    world.deliver(status())
    assert kinds(world) == []
    world.now += 60
    world.deliver(status())
    assert kinds(world) == [("python", "COMPLETE"), ("flights", "RUNNING"), ("flights", "COMPLETE")]


def test_the_token_is_a_header_and_nothing_else(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.token = "s3cret"
    world.deliver(status("RUNNING"))
    assert world.posted[0][0]["authorization"] == "Bearer s3cret"
    assert "s3cret" not in json.dumps(world.logged) + capsys.readouterr().out
    assert all(b"s3cret" not in body for body in world.objects.values())


@pytest.mark.parametrize("token", ["a b", "ü", "a\r\nx-other: 1"])
def test_a_token_that_is_none_is_not_sent(world: World, token: str) -> None:
    world.token = token
    with pytest.raises(NotSentError, match="the secret is not a token"):
        world.deliver(status("RUNNING"))
    assert world.posted == []


def test_without_a_url_nothing_is_posted_or_remembered(world: World) -> None:
    world.url = ""
    world.deliver(status("RUNNING"), status())
    assert world.posted == []
    assert not [key for key in world.objects if key.startswith("lineage-sent/")]
