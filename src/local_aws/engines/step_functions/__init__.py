"""Step Functions on LocalStack's interpreter of the Amazon States Language, which moto carries too.

`changes.apply` brings either one closer to AWS. `api` answers the service's requests where the emulator has no answers
of the interpreter's own, which is with moto's.
"""
