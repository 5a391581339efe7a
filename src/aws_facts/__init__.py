"""What AWS does, each fact once with its source: read by the local endpoint, the cross-check and the tests.

Standard library only, no I/O: one module per theme.
"""
