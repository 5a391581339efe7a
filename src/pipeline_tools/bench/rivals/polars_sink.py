"""polars, streaming from CSV to Parquet: SOURCE… TARGET."""

import sys

import polars

*sources, target = sys.argv[1:]
polars.scan_csv(sources, try_parse_dates=True).sink_parquet(target, compression="zstd")
