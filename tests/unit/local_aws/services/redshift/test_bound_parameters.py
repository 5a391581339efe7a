"""What the Data API asks of parameters, and where they have no type; its rates and quotas."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import pytest

from aws_facts import redshift_data as facts
from local_aws.errors import AwsError
from local_aws.services.redshift import bound_parameters, sent_statements
from local_aws.services.redshift.lexer import tokenize
from local_aws.services.redshift.model import ClusterInfo, Identity, ResultSet, SentStatement, SubStatement, Target
from local_aws.services.redshift.sent_statements import StatementStore
from local_aws.services.redshift.throttling import Throttle
from tests.unit.local_aws.services.conftest import Redshift


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("call p(:a)", ["a"]),
        ("call s.p('x', :a, 1)", ["a"]),
        ("call p((:a), cast(:b as int), :c::int)", ["a"]),
        ("select :a", ["a"]),
        ("select distinct :a as b, :c d, c from t", ["a", "c"]),
        ('select (:a), ((:b)) as "x" from t', ["a", "b"]),
        ("insert into t select :a, 1", ["a"]),
        ("insert into t (a) select 1 union all select :a", ["a"]),
        ("with c as (select :a as a) select a from c", ["a"]),
        ("select (select :a from t), 1", ["a"]),
        ("update t set a = (select :a)", ["a"]),
        ("create table t as select :a a", ["a"]),
        ("explain select all :a", ["a"]),
        ("select cast(:a as int), :b::text, nvl(c, :c), d + :d from t where e = :e", []),
        ("select extract(year from d), a from t where b in (:b, :c) order by :d", []),
        ("insert into t values (:a, :b)", []),
        ("update t set a = :a where b between :b and :c", []),
        ("delete from t where a = :a", []),
        ("call p(cast(:a as bigint) + cast(:b as bigint))", []),
        ("select 'call p(:a)', \"select\" from t where c = :c", []),
        ("select count(*) as n from (select a, b from t) having count(*) > :n", []),
    ],
)
def test_a_parameter_by_itself_in_a_call_or_a_select_list_has_no_type(sql: str, names: list[str]) -> None:
    assert [name for name, _ in bound_parameters.untyped(tokenize(sql))] == names


@pytest.mark.parametrize(
    ("sqls", "found"),
    [
        (["copy t from 's3://b/' iam_role 'arn:aws:iam::000000000000:role/r'", "select cast(:a as int)"], ":aws"),
        (["insert into t values ('10:30', :a)"], ":30"),
        (['select "x:y" from t where a = :a'], ":y"),
        (["/* of :b */ select a from t where a = :a"], ":b"),
        (["select a from t where a = :a -- and :a"], ":a"),
        (["select $$ :a $$ from t where a = :a"], ":a"),
    ],
)
def test_what_may_or_may_not_be_a_parameter_is_refused(sqls: list[str], found: str) -> None:
    with pytest.raises(AwsError) as caught:
        bound_parameters.check(["a"], sqls)
    assert caught.value.code == "ValidationException"
    assert caught.value.message.startswith(f"{found} stands in a literal, a quoted name or a comment")


def test_a_colon_that_begins_no_name_is_part_of_its_text() -> None:
    bound_parameters.check(
        ["a"], ["/* note: */ select a::int from t where a = :a and b <> 's3://x/: y' and c = '::int'"]
    )


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("sql", "place"),
    [("select :a, :a::int", "an item of a SELECT list"), ("call p(:a)", "an argument of CALL")],
)
def test_an_untyped_parameter_fails_the_statement(redshift: Redshift, sql: str, place: str) -> None:
    error = redshift.fail(sql, parameters={"a": "1"})
    assert error == f"ERROR: could not determine data type of parameter :a, {place}: CAST it"


@pytest.mark.postgres
def test_a_row_is_no_longer_than_a_packet(redshift: Redshift) -> None:
    assert redshift.rows("select repeat('x', 65536)") == [("x" * 65536,)]
    error = redshift.fail("select repeat('x', 65535), 'xy'")
    assert error == "ERROR: Packet for query is too large (65537 > 65536)."


@pytest.mark.postgres
def test_all_statements_of_a_request_have_a_limit_too(redshift: Redshift) -> None:
    text = f"select 1 /* {'x' * (facts.MOST_STATEMENT_BYTES - 15)} */"
    assert len(text) == facts.MOST_STATEMENT_BYTES
    redshift.run(text, text)
    with pytest.raises(AwsError, match="longer than 200 KB in all"):
        redshift.start(text, text, "select 1")


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("operation", sorted(facts.REQUESTS_A_SECOND))
def test_each_operation_has_the_rate_of_the_documentation(operation: str) -> None:
    clock, rate = Clock(), facts.REQUESTS_A_SECOND[operation]
    throttle = Throttle(facts.REQUESTS_A_SECOND, clock)
    for _ in range(rate):
        throttle.take(operation)
    with pytest.raises(AwsError) as caught:
        throttle.take(operation)
    assert (caught.value.code, caught.value.message, caught.value.status) == (
        "ThrottlingException",
        "Rate exceeded",
        400,
    )
    clock.now += 2 / rate
    throttle.take(operation)
    throttle.take("ListSessions")  # which has no rate
    clock.now += 3600
    assert sum(_passes(throttle, operation) for _ in range(2 * rate)) == rate


def _passes(throttle: Throttle, operation: str) -> bool:
    try:
        throttle.take(operation)
    except AwsError:
        return False
    return True


@pytest.mark.postgres
def test_the_api_asks_for_its_rates(redshift: Redshift) -> None:
    redshift.api._throttle = Throttle({"ListSchemas": 1}, Clock())
    redshift.call("ListSchemas", **redshift.defaults)
    with pytest.raises(AwsError, match="Rate exceeded"):
        redshift.call("ListSchemas", **redshift.defaults)


def statement(identifier: str, cluster: str = "warehouse", created: float = 0.0) -> SentStatement:
    target = Target(ClusterInfo(cluster, "available", "dev", "admin"), "dev", Identity("admin", None))
    return SentStatement(identifier, target, [SubStatement(identifier, "select 1", created, created)], False, created)


def add(store: StatementStore, made: SentStatement, **request: Any) -> SentStatement:
    asked: Mapping[str, Any] = {"Sql": "select 1", **request}
    return store.replay("ExecuteStatement", asked) or store.add(made, "ExecuteStatement", asked)


def test_a_cluster_has_five_hundred_active_statements() -> None:
    store = StatementStore(Clock())
    made = [add(store, statement(str(number))) for number in range(facts.MOST_ACTIVE_STATEMENTS)]
    with pytest.raises(AwsError) as caught:
        add(store, statement("one more"))
    assert caught.value.code == "ActiveStatementsExceededException"
    add(store, statement("elsewhere", "another"))
    made[0].move("FINISHED")
    add(store, statement("one more"))


def test_a_statement_is_known_for_a_day_and_its_token_for_eight_hours() -> None:
    clock = Clock()
    store = StatementStore(clock)
    first = add(store, statement("first"), ClientToken="t")
    first.move("FINISHED")
    clock.now = 8 * 3600
    assert add(store, statement("second", created=clock.now), ClientToken="t") is first
    clock.now += 1
    assert add(store, statement("third", created=clock.now), ClientToken="t").id == "third"
    clock.now = 24 * 3600
    assert store.get("first") is first
    clock.now += 1
    with pytest.raises(AwsError, match="Query does not exist"):
        store.get("first")
    assert [each.id for each in store.all()] == ["third"]


def test_the_oldest_statement_that_has_ended_goes_with_its_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sent_statements, "_MAX_STATEMENTS", 2)
    store = StatementStore(Clock())
    running = add(store, statement("running"), ClientToken="r")
    ended = add(store, statement("ended"), ClientToken="e")
    ended.move("FINISHED")
    add(store, statement("third"))
    assert [each.id for each in store.all()] == ["third", "running"]
    assert add(store, statement("again"), ClientToken="r") is running
    assert add(store, statement("another"), ClientToken="e").id == "another"


def test_the_results_that_came_first_are_let_go_of_beyond_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sent_statements, "_MAX_HELD_BYTES", 25)
    monkeypatch.setattr(sent_statements, "_MAX_STATEMENTS", 3)
    store = StatementStore(Clock())
    made = [add(store, statement(name)) for name in "abc"]
    for each in (made[1], made[0], made[2]):  # in the order of their ends
        each.subs[0].result = ResultSet((), (), 10)
        each.move("FINISHED")
        store.hold_results(each)
    assert [each.id for each in made if each.subs[0].result] == ["a", "c"]
    # What a forgotten statement held counts no more.
    fourth = add(store, statement("d"))
    assert [each.id for each in store.all()] == ["d", "c", "b"]
    fourth.subs[0].result = ResultSet((), (), 15)
    store.hold_results(fourth)
    assert made[2].subs[0].result and fourth.subs[0].result


def test_a_token_that_two_use_at_once_makes_one_statement() -> None:
    store = StatementStore(Clock())
    found: list[SentStatement] = []
    threads = [
        threading.Thread(target=lambda name=name: found.append(add(store, statement(name), ClientToken="t")))
        for name in "abcdefgh"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({each.id for each in found}) == 1
