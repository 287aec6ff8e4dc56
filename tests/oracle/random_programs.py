#!/usr/bin/env python3
"""Random programs (../fuzz/programs.py): the same result in every way of running them, and C without
warnings. FULL=1 in the environment: many, and others each time."""

import os
import subprocess
import sys
import time
from pathlib import Path

TOOL = Path(__file__).resolve().parents[1] / "fuzz" / "programs.py"
COUNT, SEED = ("60", str(int(time.time()))) if os.environ.get("FULL") else ("2", "21")
MODE = os.environ.get("MODE", "release")

if MODE not in ("release", "clang", "asan", "tsan"):
    print(f"not in mode {MODE}")
    sys.exit(0)
sys.exit(subprocess.call([sys.executable, TOOL, "--count", COUNT, "--seed", SEED, "--mode", MODE]))
