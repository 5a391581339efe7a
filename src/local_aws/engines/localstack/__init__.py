"""The local endpoint on LocalStack's last open release, run on this machine without Docker and without a token.

The modules here use LocalStack's own seams: entry points for service providers, for the Lambda executor and for the
server, and lifecycle hooks. What had no seam is in `step_functions` and
`eventbridge`, each change with its reason and a test.
"""
