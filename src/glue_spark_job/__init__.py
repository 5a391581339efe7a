"""The Spark stage of the pipeline: a dataset's transform.sql over its staged rows gives the curated tables."""
