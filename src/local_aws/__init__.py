"""A local AWS endpoint: services that really run their work, without Docker, an account or a token."""
