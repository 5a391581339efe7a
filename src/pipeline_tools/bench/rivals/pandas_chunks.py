"""pandas in chunks, from CSV to Parquet by pyarrow: SOURCE… TARGET."""

import sys

import pandas
import pyarrow
import pyarrow.parquet

*sources, target = sys.argv[1:]
DATES = ["l_shipdate", "l_commitdate", "l_receiptdate"]
writer = None
for source in sources:
    for chunk in pandas.read_csv(source, chunksize=200_000, parse_dates=DATES):
        rows = pyarrow.Table.from_pandas(chunk, preserve_index=False)
        writer = writer or pyarrow.parquet.ParquetWriter(target, rows.schema, compression="zstd")
        writer.write_table(rows)
if writer:
    writer.close()
