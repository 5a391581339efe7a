"""What AWS does, with its source: one module per theme. The endpoint, the checks, `pipeline` and the Lambda hold to it.

Standard library only, no I/O; but `sdk_environment` makes sessions of boto3, and is in no zip.
"""
