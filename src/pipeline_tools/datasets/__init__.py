"""The folder of a dataset: checked as it is packaged, drafted from a sample of its source."""
