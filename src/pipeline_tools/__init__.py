"""Tools around the pipeline: packaging, deployment, the demo and its trace. Never deployed."""
