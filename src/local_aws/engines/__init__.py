"""Adapters that put the services into an emulator. Only modules below here import one."""
