"""DuckDB's own COPY from CSV to Parquet: SOURCE… TARGET THREADS."""

import sys

import duckdb

*sources, target, threads = sys.argv[1:]
with duckdb.connect(config={"threads": threads, "memory_limit": "512MB", "preserve_insertion_order": True}) as duck:
    duck.execute(f"COPY (FROM read_csv({sources!r})) TO {target!r} (FORMAT parquet, COMPRESSION zstd)")
