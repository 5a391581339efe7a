"""Tests of single states by TestState, generated from the definitions; the same on the local endpoint and on AWS."""
