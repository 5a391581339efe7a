"""`nox -s bench`: what each stage costs, beside the least that the same work can cost."""
