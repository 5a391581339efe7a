"""`nox -s demo`: the whole pipeline on real flights."""
