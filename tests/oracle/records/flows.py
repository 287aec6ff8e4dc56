"""Flows for the types of model.py: the text of the declarations, and a run of a compiled flow."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
UNITS = {1: "us", 1000: "ms", 10**6: "s"}


def flowcc():
    """The compiler to test: the argument, $FLOWCC, or the one that `make` builds."""
    path = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("FLOWCC", ROOT / "build" / "flowcc")
    return Path(path).resolve()


def is_long():
    return bool(os.environ.get("FULL"))


class Program:
    """Collects the declarations that a type needs and writes the flow around them."""

    def __init__(self):
        self.declarations, self.names = [], {}

    def declare(self, t, text):
        if self.names.setdefault(t[1], t) != t:
            raise ValueError("two types are called " + t[1])
        if text not in self.declarations:
            self.declarations.append(text)
        return t[1]

    def type_text(self, t):
        if isinstance(t, str):
            return t
        if t[0] == "decimal":
            return f"decimal[{t[1]}]"
        if t[0] == "opt":
            return self.type_text(t[1]) + "?"
        if t[0] in ("list", "set"):
            return f"{t[0]}[{self.type_text(t[1])}]"
        if t[0] == "map":
            return f"map[{self.type_text(t[1])}, {self.type_text(t[2])}]"
        if t[0] == "record":
            return self.declare(t, f"record {t[1]} {{\n{self.fields_text(t[2], chr(10))}\n}}")
        variants = [name if fields is None else f"{name}({self.fields_text(fields, ', ')})" for name, fields in t[2]]
        tag = f" tagged {json.dumps(t[3])}" if t[0] == "tagged" else ""
        return self.declare(t, f"enum {t[1]}{tag} {{ {', '.join(variants)} }}")

    def fields_text(self, fields, separator):
        out = []
        for name, field_type, options in fields:
            text = f"{name}: {self.type_text(field_type)}"
            if "default" in options:
                text += " = " + json.dumps(options["default"], ensure_ascii=False)
            if "from" in options:
                text += " from " + json.dumps(options["from"], ensure_ascii=False)
            if "unit" in options:
                text += " unit " + UNITS[options["unit"]]
            out.append(text)
        return separator.join(out)

    def text(self, t, source, stages="", sink="file(\"out\", jsonl)"):
        item = self.type_text(t)
        return "\n".join(self.declarations) + f"""
source items: {item} = file("in", {source}) else into rejects
sink out = {sink}
sink bad = file("bad", text)
items {stages}|> into out
rejects |> map line ?? 0 |> into bad
"""


class Outcome:
    def __init__(self, out, bad):
        self.out, self.bad = out, bad


def run(text, data):
    """Compiles the flow, feeds it `data`, and returns the bytes of `out` and the line numbers in `bad`."""
    with tempfile.TemporaryDirectory(prefix="flowcc-oracle-") as folder:
        folder = Path(folder)
        (folder / "flow.flow").write_text(text, encoding="utf-8")
        (folder / "in").write_bytes(data)
        made = subprocess.run([flowcc(), "flow.flow", "-o", "flow"], cwd=folder, capture_output=True)
        if made.returncode != 0:
            sys.exit("flowcc refuses the flow:\n" + text + made.stderr.decode() + made.stdout.decode())
        ran = subprocess.run(["./flow"], cwd=folder, capture_output=True)
        if ran.returncode != 0:
            sys.exit(f"the program ends with {ran.returncode}:\n{text}{ran.stderr.decode(errors='replace')[:4000]}")
        bad = [int(line) for line in (folder / "bad").read_bytes().split()]
        return Outcome((folder / "out").read_bytes(), bad)


def compare(name, outcome, expected):
    """`expected`: for each record its line number, its bytes, and the printed bytes or None where it
    must be refused. Ends the test at the first difference."""
    out, bad, counts = outcome.out, list(outcome.bad), [0, 0]
    for line, record, want in expected:
        shown = f"{name}, line {line}: {record[:400]!r}"
        if want is None:
            if not bad or bad[0] != line:
                sys.exit(f"{shown}\n  must be refused; the next refused line is {bad[:1]}, the next output {out[:200]!r}")
            bad.pop(0)
        else:
            if bad and bad[0] == line:
                sys.exit(f"{shown}\n  must be accepted as {want[:400]!r}")
            if not out.startswith(want):
                sys.exit(f"{shown}\n  expected {want[:400]!r}\n  printed  {out[: len(want) + 60][:460]!r}")
            out = out[len(want) :]
        counts[want is None] += 1
    if out or bad:
        sys.exit(f"{name}: behind the last record there is {out[:200]!r}, refused lines {bad[:5]}")
    if not all(counts):
        sys.exit(f"{name}: of {sum(counts)} records {counts[1]} are refused; this shows nothing")
    print(f"{name}: {counts[0]} accepted, {counts[1]} refused")
