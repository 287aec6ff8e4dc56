"""What kills a program at one of its calls (tests/crash/crashpoint.c), for oracles that kill and go on."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def library():
    """The path to preload, or None where it is not built, or the build cannot load it: sanitizers want to be first."""
    path = Path(os.environ.get("BUILD", ROOT / "build" / "release")).resolve() / "tests" / "crashpoint.so"
    return path if path.exists() and os.environ.get("MODE") not in ("asan", "tsan", "cover") else None
