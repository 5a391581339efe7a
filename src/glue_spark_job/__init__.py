"""The Spark stage of the pipeline: runs a dataset's transform.sql over its staged rows and writes the tables."""
