#!/usr/bin/env python3
"""Random programs, each of which must mean the same in every way of running it: fused or not, with and
without a state directory, an epoch per record, killed and resumed, with an input that grows. Their C must
compile without a warning under gcc and clang.

    tests/fuzz/programs.py [--count 100] [--seed 1] [--mode asan]

A program that fails is left in build/MODE/fuzz/SEED.flow, as a case that tests/run.py understands.
"""

import argparse
import random
import re
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from fuzz.typed import Program  # noqa: E402
from harness.base import ROOT, Failure, Tools, check_equal, run  # noqa: E402
from harness.case import Case  # noqa: E402
from harness.flows import run_case  # noqa: E402

# Warnings about what the program itself says (`x == x`, a name that is never read) are none of the C's.
WARNINGS = ("-std=gnu11 -O1 -Wall -Wextra -Werror -Wno-type-limits -Wno-tautological-compare -Wno-div-by-zero "
            "-Wno-self-assign -Wno-unused-but-set-variable -c -o /dev/null")


def check_c(box, tools, name):
    """The C of a program compiles without a warning."""
    for options in ([], ["--disable=fuse"]):
        text = box.run(tools.flowcc, "emit", name, *options).out
        c = box.write("program.c", text)
        for compiler in filter(shutil.which, ("gcc", "clang")):
            box.run(compiler, *WARNINGS.split(), "-I", tools.out / "lib/flowcc/include", c)


def is_refused(box, tools):
    """Constants are combined at random, so some programs divide by zero for all to see (E0206)."""
    errors = re.findall(rb"^error.E(\d+)", box.run(tools.flowcc, "check", "program.flow", exit=None).err, re.MULTILINE)
    return bool(errors) and set(errors) == {b"0206"}


def write_case(path, program, lines, exit, outputs):
    text = program.text + "#--- input items.jsonl\n" + "".join(lines)
    if program.has_end:
        text += "#--- args --at-end flush\n"
    if program.has_epochs:
        text += "#--- args --epoch-records 5" + (" --at-end flush\n" if program.has_end else "\n")
    text += f"#--- exit {exit}\n"
    for name, data in outputs.items():
        text += f"#--- expect {name}\n" + data.decode()
    path.write_text(text)


def grow(tools, box, program, lines, outputs):
    """Reads a part of the input, then the rest: together the output of one run."""
    if program.has_end or program.has_epochs:
        return
    box.write("items.jsonl", "".join(lines[: len(lines) // 2]))
    parts = [box.run("./program", "-d", "grown").out]
    box.append("items.jsonl", "".join(lines[len(lines) // 2 :]))
    parts.append(box.run("./program", "-d", "grown").out)
    check_equal(outputs["stdout"], b"".join(parts), "stdout of two runs")
    for name, data in outputs.items():
        if name != "stdout":
            check_equal(data, box.read(name), name)


def play(tools, seed, folder):
    rng = random.Random(seed)
    program = Program(rng)
    lines = program.input_lines(rng.randrange(1, 30))
    path = folder / f"{seed}.flow"
    write_case(path, program, lines, 0, {})
    box = tools.sandbox(f"fuzz {seed}")
    box.write("program.flow", program.text)
    box.write("items.jsonl", "".join(lines))
    if is_refused(box, tools):
        path.unlink()
        return 1
    check_c(box, tools, "program.flow")
    box.compile(program.text, "program")
    args = (["--epoch-records", "5"] if program.has_epochs else []) + (["--at-end", "flush"] if program.has_end else [])
    result = run(["./program", *args], box.path, tools)
    if result.code not in (0, 70):
        raise Failure(result.describe())
    outputs = {"stdout": result.out}
    outputs.update((f"{s}.jsonl", box.read(f"{s}.jsonl")) for s in program.sinks[1:] if f"into {s}\n" in program.text)
    write_case(path, program, lines, result.code, outputs)
    run_case(tools, Case(path))
    if result.code == 0:
        grow(tools, box, program, lines, outputs)
    path.unlink()
    return sum(len(data) for data in outputs.values())


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mode", default="release", choices=["release", "clang", "asan"])
    parser.add_argument("-j", type=int, default=2)
    args = parser.parse_args()
    tools = Tools(args.mode)
    folder = ROOT / "build" / args.mode / "fuzz"
    folder.mkdir(parents=True, exist_ok=True)
    failed = []

    def one(seed):
        try:
            return seed, play(tools, seed, folder), None
        except Failure as failure:
            return seed, 0, failure

    silent = 0
    with ThreadPoolExecutor(args.j) as pool:
        for seed, size, failure in pool.map(one, range(args.seed, args.seed + args.count)):
            silent += size == 0 and failure is None
            if failure is not None:
                failed.append(seed)
                print(f"FAILED {seed}: see {folder / f'{seed}.flow'}\n{failure}\n", flush=True)
    tools.close()
    print(f"{args.count} programs, {len(failed)} failed, {silent} printed nothing")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
