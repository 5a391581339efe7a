"""The local endpoint on MiniStack: its registries get the services that it lacks, and its own behave as AWS does."""
