"""The parts of the Redshift Data API: the SQL dialect, COPY and UNLOAD, sessions, statements and their results."""
