#!/usr/bin/env python3
"""Prints the line coverage of compiler and runtime: tests/cover.py BUILD-DIRECTORY, after a test run."""

import gzip
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path


def main():
    build = Path(sys.argv[1]).resolve()
    root = Path(__file__).resolve().parents[1]
    hits = defaultdict(lambda: defaultdict(int))
    notes = sorted(build.rglob("obj/**/*.gcda"))
    if not notes:
        sys.exit(f"{build} has no coverage data; run `make cover`")
    with tempfile.TemporaryDirectory() as scratch:
        subprocess.run(["gcov", "--json-format", *map(str, notes)], cwd=scratch, check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for path in Path(scratch).glob("*.gz"):
            for file in json.loads(gzip.open(path).read())["files"]:
                for line in file["lines"]:
                    hits[file["file"]][line["line_number"]] += line["count"]
    total_lines = total_hit = 0
    for name in sorted(hits):
        if not name.startswith(("compiler/", "runtime/")) or not (root / name).exists():
            continue
        lines = len(hits[name])
        hit = sum(1 for count in hits[name].values() if count)
        total_lines, total_hit = total_lines + lines, total_hit + hit
        print(f"{100 * hit / lines:6.1f} %  {hit:5} of {lines:5}  {name}")
    print(f"{100 * total_hit / total_lines:6.1f} %  {total_hit:5} of {total_lines:5}  all")


if __name__ == "__main__":
    main()
