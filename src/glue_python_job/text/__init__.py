"""Reading: what a source file is, and its text as records in segments."""
