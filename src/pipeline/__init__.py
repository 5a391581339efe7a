"""The client of a deployed pipeline: start a job, follow it, and show what became of it."""
