"""The smallest Spark script that gives the tables of lineitem's transform.sql: STAGED TRANSFORM CURATED."""

import sys
from pathlib import Path

from pyspark.sql import SparkSession

staged, transform, curated = sys.argv[1:]
spark = SparkSession.builder.config("spark.sql.session.timeZone", "UTC").getOrCreate()
spark.read.parquet(staged).createOrReplaceTempView("lineitem")
for statement in Path(transform).read_text(encoding="utf-8").split(";"):
    if statement.strip():
        spark.sql(statement)
for table in ("lines", "ship_modes"):
    spark.table(table).write.mode("overwrite").parquet(f"{curated}/{table}")
spark.stop()
