"""The Redshift Data API: its quotas, and what it says of parameters.

Sources: the considerations of the Management Guide, the quotas of Redshift, the API reference and its model. Copies of
the documentation differ in some numbers; the smaller one is here, since it holds under either.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

# https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_BatchExecuteStatement.html
MOST_STATEMENTS: Final = 40
# Of one statement: https://docs.aws.amazon.com/redshift/latest/mgmt/data-api.html#data-api-calling-considerations
MOST_STATEMENT_BYTES: Final = 100 * 1024
# Of all statements of a request. Later copies of the same page have this number, and do not say of what.
MOST_SQL_BYTES: Final = 200 * 1024
# https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_ExecuteStatement.html (the model takes more)
MOST_NAME_CHARACTERS: Final = 500

# https://docs.aws.amazon.com/redshift/latest/mgmt/data-api-troubleshooting.html
MOST_RESULT_BYTES: Final = 500 * 1024 * 1024
MOST_ROW_BYTES: Final = 64 * 1024

# https://docs.aws.amazon.com/redshift/latest/mgmt/data-api.html#data-api-calling-considerations
MOST_ACTIVE_STATEMENTS: Final = 500  # of a cluster or workgroup
RESULT_SECONDS: Final = 24 * 3600
# https://docs.aws.amazon.com/redshift/latest/mgmt/data-api.html#data-api-calling-considerations-idempotency
CLIENT_TOKEN_SECONDS: Final = 8 * 3600

# Requests per second, of an account in a region: https://docs.aws.amazon.com/general/latest/gr/redshift-service.html
REQUESTS_A_SECOND: Final[Mapping[str, int]] = MappingProxyType(
    {
        "BatchExecuteStatement": 20,
        "CancelStatement": 3,
        "DescribeStatement": 100,
        "DescribeTable": 3,
        "ExecuteStatement": 30,
        "GetStatementResult": 20,
        "ListDatabases": 3,
        "ListSchemas": 3,
        "ListStatements": 3,
        "ListTables": 3,
    }
)
# The model has no error for that. Step Functions names an error after the class that the Java SDK throws, which for one
# that the model lacks is the service's own, and where it knows the code, after the code: one of these two.
# https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html
THROTTLED: Final = ("RedshiftData.RedshiftDataException", "RedshiftData.ThrottlingException")

# How a parameter is written in SQL, after the pattern of its name:
# https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_SqlParameter.html
# A colon of `::` (a cast) or of `:=` (PL/pgSQL) begins none.
PARAMETER: Final = r"(?<!:):([0-9A-Za-z_]+)"

# Where a parameter may stand without a CAST: as a value of INSERT, and in a condition, beside a column. There the data
# is "implicitly cast": https://docs.aws.amazon.com/redshift/latest/mgmt/data-api.html#data-api-calling-considerations-parameters
# Of these two the page says nothing, and nothing else gives the parameter a type.
UNTYPED_PLACES: Final = ("an argument of CALL", "an item of a SELECT list")
