"""Compares what is ours with what others make: emulators, and another reader of contracts."""
