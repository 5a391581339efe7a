from __future__ import annotations

import pytest

from dataset_contract import redshift, types
from dataset_contract.model import OUTPUT, Column, DataObject, Distribution, ValueRule
from dataset_contract.redshift import DeployedColumn


def column(name: str, type_: str, *, required: bool = False) -> Column:
    return Column(name, types.parse(type_), name, (ValueRule("required"),) if required else ())


ORDERS = DataObject(
    "orders",
    OUTPUT,
    (column("order_id", "INT8", required=True), column("Amount", "NUMERIC(15,2)"), column("user", "NVARCHAR(40)")),
    distribution=Distribution("KEY", "Amount", ("job_id", "order_id")),
)
# What Redshift says of the table that `create_table` makes.
DEPLOYED = [
    DeployedColumn("order_id", "bigint", nullable=False),
    DeployedColumn("amount", "numeric(15,2)", nullable=True),
    DeployedColumn("user", "character varying(40)", nullable=True),
    DeployedColumn("job_id", "character varying(56)", nullable=False),
]


def test_the_table_has_the_columns_in_order_and_job_id_last() -> None:
    assert (
        redshift.create_table(ORDERS)
        == """\
CREATE TABLE IF NOT EXISTS analytics."orders" (
    "order_id" BIGINT NOT NULL,
    "amount" DECIMAL(15,2),
    "user" VARCHAR(40),
    "job_id" VARCHAR(56) NOT NULL
)
DISTKEY ("amount")
COMPOUND SORTKEY ("job_id", "order_id");
"""
    )


def test_a_table_is_distributed_as_it_says_or_by_redshift() -> None:
    def of(distribution: Distribution) -> str:
        return redshift.create_table(DataObject("t", OUTPUT, (), distribution=distribution)).partition("\n)\n")[2]

    assert of(Distribution()) == 'DISTSTYLE AUTO\nCOMPOUND SORTKEY ("job_id");\n'
    assert of(Distribution("ALL", sort_key=())) == "DISTSTYLE ALL;\n"


def test_a_files_columns_are_those_of_the_contract_in_their_order() -> None:
    assert redshift.column_list(ORDERS) == '    "order_id",\n    "amount",\n    "user",\n    "job_id"'


@pytest.mark.parametrize(("text", "expected"), [("it's", "'it''s'"), ("a\\b", "'a\\\\b'"), ('"a"', "'\"a\"'")])
def test_a_text_constant_is_the_text(text: str, expected: str) -> None:
    assert redshift.literal(text) == expected


def test_a_quote_in_a_name_stays_within_it() -> None:
    assert redshift.identifier('A"b') == '"a""b"'


def test_a_type_of_svv_columns_is_one_text() -> None:
    assert redshift.deployed_type("character varying", 8) == "character varying(8)"
    assert redshift.deployed_type("bpchar", 4) == "character(4)"
    assert redshift.deployed_type("numeric", None, 18, 2) == "numeric(18,2)"
    assert redshift.deployed_type("numeric", None, 18) == "numeric(18,0)"
    assert redshift.deployed_type("integer", None, 32, 0) == "integer"
    assert redshift.deployed_type("Timestamp  without time zone") == "timestamp without time zone"


def test_a_table_that_is_as_the_contract_says_needs_nothing() -> None:
    assert redshift.compare(ORDERS, DEPLOYED) == redshift.TableComparison()


def test_another_order_of_the_columns_needs_nothing() -> None:
    assert redshift.compare(ORDERS, DEPLOYED[::-1]) == redshift.TableComparison()


def test_a_table_that_is_not_there_is_created() -> None:
    assert redshift.compare(ORDERS, []).statements == (redshift.create_table(ORDERS),)


def test_a_new_column_that_may_be_null_is_added() -> None:
    comparison = redshift.compare(ORDERS, [DEPLOYED[0], DEPLOYED[3]])
    assert comparison.statements == (
        'ALTER TABLE analytics."orders" ADD COLUMN "amount" DECIMAL(15,2)',
        'ALTER TABLE analytics."orders" ADD COLUMN "user" VARCHAR(40)',
    )
    assert comparison.refusals == ()


def refusal(deployed: list[DeployedColumn]) -> redshift.Refusal:
    comparison = redshift.compare(ORDERS, deployed)
    assert comparison.statements == ()
    (only,) = comparison.refusals
    return only


def test_a_new_column_that_is_required_is_refused() -> None:
    found = refusal(DEPLOYED[1:])
    assert found.problem.startswith('analytics."orders" has no column order_id, which the contract requires')
    assert found.statements == (
        'ALTER TABLE analytics."orders" ADD COLUMN "order_id" BIGINT NOT NULL DEFAULT <a value>',
    )


def test_a_column_that_is_gone_is_refused_and_nothing_is_added() -> None:
    found = refusal([*DEPLOYED[:2], DEPLOYED[3], DeployedColumn("colour", "smallint", nullable=True)])
    assert "has the column colour, which the contract has not; to drop it loses its values" in found.problem
    assert "RENAME" not in found.problem
    assert found.statements == ('ALTER TABLE analytics."orders" DROP COLUMN "colour"',)


def test_a_column_that_may_be_renamed_is_told_by_its_type() -> None:
    found = refusal([*DEPLOYED[:2], DEPLOYED[3], DeployedColumn("customer", "character varying(40)", nullable=True)])
    assert "or is it now user?" in found.problem
    assert found.statements == (
        'ALTER TABLE analytics."orders" RENAME COLUMN "customer" TO "user"',
        'ALTER TABLE analytics."orders" DROP COLUMN "customer"',
    )


def test_another_length_of_a_text_is_a_statement_for_a_person() -> None:
    found = refusal([*DEPLOYED[:2], DeployedColumn("user", "character varying(8)", nullable=True), DEPLOYED[3]])
    assert 'analytics."orders", column user: the table has VARCHAR(8), the contract VARCHAR(40)' in found.problem
    assert found.statements == ('ALTER TABLE analytics."orders" ALTER COLUMN "user" TYPE VARCHAR(40)',)


def test_another_type_makes_the_table_anew_and_keeps_the_old_one() -> None:
    found = refusal([DeployedColumn("order_id", "integer", nullable=False), *DEPLOYED[1:]])
    assert "column order_id: the table has INTEGER, the contract BIGINT" in found.problem
    assert found.statements == (
        '-- has to give 0\nSELECT COUNT(*) FROM analytics."orders" '
        'WHERE CAST(CAST("order_id" AS BIGINT) AS INTEGER) <> "order_id"',
        "BEGIN",
        'ALTER TABLE analytics."orders" RENAME TO "orders_before"',
        redshift.create_table(ORDERS).rstrip(";\n"),
        'INSERT INTO analytics."orders" ("order_id", "amount", "user", "job_id") '
        'SELECT CAST("order_id" AS BIGINT), "amount", "user", "job_id" FROM analytics."orders_before"',
        "COMMIT",
    )


def test_several_differences_of_a_table_make_one_script() -> None:
    found = refusal(
        [
            DeployedColumn("amount", "numeric(15,4)", nullable=True),
            DeployedColumn("user", "character varying(80)", nullable=True),
            DeployedColumn("code", "smallint", nullable=True),
            DEPLOYED[3],
        ]
    )
    for told in ("has no column order_id", "has the column code", "column amount", "column user"):
        assert told in found.problem
    assert found.statements[:2] == (
        '-- has to give 0\nSELECT COUNT(*) FROM analytics."orders" '
        'WHERE CAST(CAST("amount" AS DECIMAL(15,2)) AS DECIMAL(15,4)) <> "amount"',
        '-- has to give 0\nSELECT COUNT(*) FROM analytics."orders" WHERE OCTET_LENGTH("user") > 40',
    )
    assert found.statements[-2] == (
        '-- "code" stays in analytics."orders_before" only\n'
        'INSERT INTO analytics."orders" ("order_id", "amount", "user", "job_id") '
        'SELECT <a value>, CAST("amount" AS DECIMAL(15,2)), "user", "job_id" FROM analytics."orders_before"'
    )


def test_a_column_that_becomes_required_is_looked_at_for_null() -> None:
    found = refusal([DeployedColumn("order_id", "bigint", nullable=True), *DEPLOYED[1:]])
    assert found.statements[0].endswith('WHERE "order_id" IS NULL')


def test_a_type_that_the_pipeline_does_not_carry_is_named_as_redshift_does() -> None:
    found = refusal([DEPLOYED[0], DeployedColumn("amount", "super", nullable=True), *DEPLOYED[2:]])
    assert "column amount: the table has super, the contract DECIMAL(15,2)" in found.problem


def test_null_that_one_of_them_refuses_is_refused() -> None:
    found = refusal([DeployedColumn("order_id", "bigint", nullable=True), *DEPLOYED[1:]])
    assert "column order_id: the table has NULL, the contract says required" in found.problem
    found = refusal([DEPLOYED[0], DeployedColumn("amount", "numeric(15,2)", nullable=False), *DEPLOYED[2:]])
    assert "column amount: the table has NOT NULL, the contract says not required" in found.problem


def test_a_table_without_job_id_is_refused() -> None:
    assert "has no column job_id" in refusal(DEPLOYED[:3]).problem
