"""The first stage of the pipeline: source files are checked against the contract of their dataset."""
