"""`nox -s chaos`: break every state of the pipeline in every way that AWS documents, and check what is left."""
