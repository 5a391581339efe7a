"""Faults on demand: their rules, the documents that hold them, and the requests that set them."""
