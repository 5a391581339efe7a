"""How much is done at a time, in bytes."""

from __future__ import annotations

MIB = 1024 * 1024
PARQUET_BYTES = 128 * MIB  # a staged file
FIRST_BATCH_BYTES = 512 * MIB  # of text, before the ratio of text to Parquet is known
# Of text, in the first batch of several; the next ones take twice as much each. While one is cleaned the next is made.
BEGIN_BYTES = 32 * MIB
LARGEST_BATCH_BYTES = 1024 * MIB
SMALLEST_BATCH_BYTES = 64 * MIB
# Of text of several files. Threads that read one file each hold back the rows of the later one, to keep the order.
SEVERAL_FILES_BYTES = 128 * MIB
