"""Judging: segments against the contract, into typed rows and refused rows."""
