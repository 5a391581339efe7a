"""State machines of the project on the local endpoint's interpreter, in this process."""

from tests.unit.local_aws.engines.step_functions.conftest import functions

__all__ = ["functions"]
