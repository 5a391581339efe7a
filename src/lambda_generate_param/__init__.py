"""The Lambda `generate-param-lambda`: job ID, checked input, URIs and SQL of one run. Standard library only."""
