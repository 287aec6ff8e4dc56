#!/usr/bin/env python3
"""The events of NEXMark beside those of Apache Beam's generator.

    nexmark_oracle.py [FLOWCC]
"""

import hashlib
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
from nexmark import programs  # noqa: E402

# MD5 of the first events of Beam's generator, as CSV.
HASHES = {10_000: "0f8886846dc44edc2e2f7d4b7c3492c8", 100_000: "71d2e166886d48a84ecadd7d7ba47bde",
          1_000_000: "e7f4197aa49b713adecb733e98030807"}


def check_hashes(folder):
    program = programs.build("events", folder)
    for count, expected in HASHES.items():
        # In one piece, and in small blocks by several workers.
        for args, env in ((["-w", 1], {}), (["-w", 3], {"FLOW_BLOCK_BYTES": "65536"})):
            found = hashlib.md5(programs.run(program, "--events", count, *args, env=env)).hexdigest()
            if found != expected:
                sys.exit(f"{count} events {args}: their MD5 is {found}, not {expected}")


def main():
    with tempfile.TemporaryDirectory() as folder:
        check_hashes(Path(folder))


if __name__ == "__main__":
    main()
