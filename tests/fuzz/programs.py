#!/usr/bin/env python3
"""Random programs, each of which must mean the same in every way of running it: fused or not, with and
without a state directory, with any number of workers and any size of a block, an epoch per record, killed
and resumed, stopped at a record and repaired, with an input that grows. Their C must compile without a
warning under gcc and clang.

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
        text, again = (box.run(tools.flowcc, "emit", name, *options).out for _ in range(2))
        check_equal(text, again, "the C of two compilations")
        c = box.write("program.c", text)
        for compiler in filter(shutil.which, ("gcc", "clang")):
            box.run(compiler, *WARNINGS.split(), "-I", tools.out / "lib/flowcc/include", c)


def is_refused(box, tools):
    """Constants are combined at random, so some programs divide by zero for all to see (E0206)."""
    errors = re.findall(rb"^error.E(\d+)", box.run(tools.flowcc, "check", "program.flow", exit=None).err, re.MULTILINE)
    return bool(errors) and set(errors) == {b"0206"}


def write_case(path, program, inputs, exit, outputs):
    text = program.text
    for name, lines in inputs.items():
        text += f"#--- input {name}\n" + "".join(lines)
    if program.args:
        text += f"#--- args {' '.join(program.args)}\n"
    text += f"#--- exit {exit}\n"
    for name, data in outputs.items():
        unordered = " unordered" if name.removesuffix(".jsonl") in program.unordered else ""
        text += f"#--- expect {name}{unordered}\n" + data.decode()
    path.write_text(text)


def grow(box, program, inputs, outputs):
    """Reads a part of the input, then the rest: together the output of one run."""
    if program.has_end or program.has_epochs or len(inputs) > 1:
        return
    (name, lines), = inputs.items()
    box.write(name, "".join(lines[: len(lines) // 2]))
    parts = [box.run("./program", "-w", "2", "-d", "grown").out]
    box.append(name, "".join(lines[len(lines) // 2 :]))
    parts.append(box.run("./program", "-w", "3", "-d", "grown").out)
    check_equal(outputs["stdout"], b"".join(parts), "stdout of two runs")
    for name, data in outputs.items():
        if name != "stdout":
            check_equal(in_order(program, name, data), in_order(program, name, box.read(name)), name)


def in_order(program, name, data):
    """What is comparable of a sink: the sorted lines of one that is `unordered`."""
    return b"".join(sorted(data.splitlines(True))) if name.removesuffix(".jsonl") in program.unordered else data


def outputs_of(box, program, stdout):
    outputs = {"stdout": stdout}
    outputs.update((f"{s}.jsonl", box.read(f"{s}.jsonl")) for s in program.sinks[1:] if f"into {s}\n" in program.text)
    return outputs


def run_and_repair(box, program, inputs, args, settings):
    """Runs the program. With a state directory a record at which it stops is blanked out, and it goes on. Returns
    everything that can be seen from outside. `settings`: by turns (workers, bytes of a block)."""
    for name, lines in inputs.items():
        box.write(name, "".join(lines))
    seen, stdout = [], b""
    for number in range(12 if "-d" in args else 1):
        workers, block = settings[number % len(settings)]
        result = box.run("./program", "-w", str(workers), *program.args, *args, exit=None,
                         env={"FLOW_BLOCK_BYTES": str(block)})
        stdout += result.out
        seen.append((result.code, result.err.decode()))
        place = re.search(r"(\w+\.jsonl):(\d+)", result.err.decode())
        if result.code == 0 or place is None:
            break
        lines = (box.path / place[1]).read_text().split("\n")
        lines[int(place[2]) - 1] = ""
        box.write(place[1], "\n".join(lines))
    outputs = outputs_of(box, program, stdout)
    return seen, {name: in_order(program, name, data) for name, data in outputs.items()}


# By turns (workers, bytes of a block): the first of each mode is what the others are compared with.
SETTINGS = ([(1, 1 << 18)], [(2, 64)], [(3, 1)], [(5, 200)], [(8, 700)], [(4, 1), (1, 90), (8, 1), (3, 1 << 18)])


def compare_workers(tools, seed, program, inputs):
    """Every number of workers and every size of a block: the same bytes, messages and exit codes."""
    for args in ([], ["-d", "db"], ["-d", "db", "--retain-epochs", "3"]):
        if program.has_epochs and "--retain-epochs" in args:
            continue
        if "--retain-epochs" in args:
            args = args + ["--epoch-records", "3"]
        expected = None
        for settings in SETTINGS:
            box = tools.sandbox(f"fuzz {seed} workers")
            box.compile(program.text, "program")
            actual = run_and_repair(box, program, inputs, args, settings)
            shutil.rmtree(box.path)
            expected = expected or actual
            where = f"{args} {settings}: "
            for name, data in expected[1].items():
                check_equal(data, actual[1][name], where + name)
            check_equal("\n".join(f"exit code {c}\n{e}" for c, e in expected[0]),
                        "\n".join(f"exit code {c}\n{e}" for c, e in actual[0]), where + "messages")


def play(tools, seed, folder):
    rng = random.Random(seed)
    program = Program(rng)
    program.args = (["--epoch-records", "5"] if program.has_epochs else []) + (
        ["--at-end", "flush"] if program.has_end else [])
    inputs = {f"{name}.jsonl": program.input_lines(rng.randrange(1, 60)) for name in program.sources}
    path = folder / f"{seed}.flow"
    write_case(path, program, inputs, 0, {})
    box = tools.sandbox(f"fuzz {seed}")
    box.write("program.flow", program.text)
    for name, lines in inputs.items():
        box.write(name, "".join(lines))
    if is_refused(box, tools):
        path.unlink()
        return 1
    check_c(box, tools, "program.flow")
    box.compile(program.text, "program")
    # States can grow so fast, and loops nest so deep, that a program is no use as a test.
    is_sanitized = tools.mode in ("asan", "tsan")  # they need a large part of the address space, and longer
    limits = ["--cpu=10"] if is_sanitized else ["--as=1000000000", "--cpu=1"]
    result = run(["prlimit", *limits, "./program", "-w", "1", *program.args], box.path, tools)
    if result.code in (-9, -24) or b"memory" in result.err or len(result.out) > 1_000_000:
        path.unlink()
        return 0
    if result.code not in (0, 65, 70):
        raise Failure(result.describe())
    outputs = outputs_of(box, program, result.out)
    write_case(path, program, inputs, result.code, outputs)
    run_case(tools, Case(path))
    compare_workers(tools, seed, program, inputs)
    if result.code == 0:
        grow(box, program, inputs, outputs)
    path.unlink()
    return sum(len(data) for data in outputs.values())


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mode", default="release", choices=["release", "clang", "asan", "tsan"])
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
    print(f"{args.count} programs, {len(failed)} failed, {silent} printed nothing or ran away")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
