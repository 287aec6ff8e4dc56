"""The flows of examples/nexmark, compiled and run."""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = ROOT / "examples" / "nexmark"


def flowcc():
    """The compiler to test: the argument, $FLOWCC, or the one that `make` builds."""
    return Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("FLOWCC", ROOT / "build" / "flowcc")).resolve()


def text_of(name):
    return (EXAMPLES / f"{name}.flow").read_text()


def build(name, folder, text=None, *options):
    """Compiles a flow of the examples into the folder; with `text`, this text under that name."""
    source = EXAMPLES / f"{name}.flow"
    if text is not None:
        source = folder / f"{name}.flow"
        source.write_text(text)
    program = folder / name
    done = subprocess.run([flowcc(), source, "-o", program, *options], capture_output=True, text=True)
    if done.returncode != 0 or done.stderr:
        sys.exit(f"flowcc {source}:\n{done.stderr}")
    return program


def run(program, *args, env=None, code=0):
    """What the program prints until it ends with this code; its own files go beside it."""
    done = subprocess.run([program, *map(str, args)], capture_output=True, cwd=program.parent,
                          env=os.environ | (env or {}))
    if done.returncode != code:
        sys.exit(f"{program.name} {args}: exit code {done.returncode}, not {code}\n{done.stderr.decode()}")
    return done.stdout


def rows(program, *args, env=None):
    """What the program prints and what is in its files of each minute, which are then removed."""
    return run(program, *args, env=env) + rows_of_files(program)


def rows_of_files(program):
    found = []
    for path in sorted(program.parent.glob("bids-*/*.csv")):
        with path.open() as file:
            for row in csv.DictReader(file):
                if path != program.parent / f"bids-{row['dt']}" / f"{row['hm']}.csv":
                    sys.exit(f"{program.name}: a row of {row['dateTime']} is in {path}")
                typed = {name: int(text) if name in ("auction", "bidder", "price") else text for name, text in row.items()}
                found.append(json.dumps(typed) + "\n")
    for folder in program.parent.glob("bids-*"):
        shutil.rmtree(folder)
    return "".join(found).encode()
