"""Glue: jobs whose runs are processes of this machine."""
