#!/usr/bin/env python3
"""Runs the tests: every suite, or a part of it. See tests/README.md.

    tests/run.py                      all suites
    tests/run.py -k cart              tests with "cart" in their name
    tests/run.py --suite run docs     some suites
    tests/run.py --bless -k cart      write the expected outputs anew, then read the diff
"""

import argparse
import os
import random
import sys
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
from harness import base, blocks, docs, flows, golden, scripts  # noqa: E402

SUITES = {
    "tidy": scripts.discover_tidy,
    "unit": scripts.discover_unit,
    "diag": golden.discover_diag,
    "dump": golden.discover_dump,
    "run": flows.discover,
    "examples": flows.discover_examples,
    "blocks": blocks.discover,
    "scenario": scripts.discover_functions("scenario"),
    "cli": scripts.discover_functions("cli"),
    "oracle": scripts.discover_oracle,
    "docs": docs.discover,
    "fuzz": scripts.discover_functions("fuzz"),
    "crash": scripts.discover_functions("crash"),
    "sim": scripts.discover_functions("sim"),
}
# What a canary must fail with, so that it does not fail for a reason of its own.
CANARIES = {
    "run: run_wrong_output": "stdout (expected)",
    "run: run_wrong_file": "out.txt (expected)",
    "run: run_wrong_exit": "expected exit code 65",
    "diag: diag_wrong_text": "diag_wrong_text.flow (expected)",
    "dump: wrong.graph": "wrong.graph (expected)",
    "blocks: blocks_wrong_row": "blocks_wrong_row.flow (expected)",
    "unit: test_canary": "one_is_two",
    "oracle: oracle_wrong": "1 != 2",
    "cli: cli_wrong.unknown_option": "exit code 64",
    "fuzz: fuzz_wrong.crash": "crash.flow",
    "sim: sim_wrong.lost_wake": "every thread waits",
    "docs: tests/canary/docs_wrong_output.md commands": "--- what it prints\none",
    "docs: tests/canary/docs_wrong_output.md:10 compiles": "E0223",
    "docs: tests/canary/docs_wrong_output.md:14 runs": "stdout (expected)",
}
BLESSABLE = ("diag", "dump", "run", "examples", "blocks")


def options():
    parser = argparse.ArgumentParser(description="Runs the tests of flowcc.")
    parser.add_argument("--suite", nargs="+", choices=SUITES, metavar="SUITE",
                        help=f"only these suites: {' '.join(SUITES)}")
    parser.add_argument("-k", metavar="TEXT", default="", help="only tests with TEXT in their name")
    parser.add_argument("--mode", default="release", choices=base.TIMEOUT_S, help="which build to test")
    parser.add_argument("--full", action="store_true", help="more points of the matrix, for long runs")
    parser.add_argument("--seed", type=int, default=1, help="of tests that choose at random")
    parser.add_argument("--minutes", type=float, help="begin no test after that time; which come first is random")
    parser.add_argument("--bless", action="store_true", help="write expected outputs anew")
    parser.add_argument("-j", type=int, default=os.cpu_count() or 2, help="tests at the same time")
    parser.add_argument("-l", action="store_true", help="list the tests and run none")
    parser.add_argument("-v", action="store_true", help="a line for each test, with its time")
    return parser.parse_args()


def run_test(test):
    """Returns (verdict, text, seconds); verdict is passed, failed or skipped."""
    start = time.monotonic()
    try:
        test.function()
        verdict, text = "passed", ""
    except base.Skip as skip:
        verdict, text = "skipped", str(skip)
    except base.Failure as failure:
        verdict, text = "failed", str(failure)
    except Exception:
        # A broken test is no proof that the runner sees failures, so it fails as a canary too.
        return "failed", traceback.format_exc(), time.monotonic() - start
    if test.is_canary:
        verdict, text = judge_canary(test, verdict, text)
    return verdict, text, time.monotonic() - start


def judge_canary(test, verdict, text):
    if verdict == "passed":
        return "failed", "this test must fail, so that we know that its suite can; it passed"
    says = CANARIES.get(test.full_name, "")
    if verdict == "failed" and says not in text:
        return "failed", f"this test must fail with `{says}`, and failed with\n{text}"
    return ("passed", "") if verdict == "failed" else (verdict, text)


def discover(arguments, tools):
    names = arguments.suite or (BLESSABLE if arguments.bless else SUITES)
    tests = []
    for name in names:
        found = SUITES[name](tools)
        if arguments.bless:
            found = [test for test in found if not test.is_canary]
        elif found and not any(test.is_canary for test in found) and name != "examples":
            sys.exit(f"tests/run.py: the suite {name} has no canary")
        tests += found
    return [test for test in tests if arguments.k in test.full_name]


def main():
    arguments = options()
    tools = base.Tools(arguments.mode, arguments.full, arguments.bless, arguments.seed)
    tests = discover(arguments, tools)
    if arguments.l:
        print("\n".join(test.full_name for test in tests))
        return 0
    if not tools.flowcc.exists():
        sys.exit(f"tests/run.py: {tools.flowcc} is not built; run `make MODE={tools.mode} test-programs`")
    counts, by_suite, failures = dict.fromkeys(("passed", "failed", "skipped"), 0), {}, []
    lock, start = threading.Lock(), time.monotonic()

    def report(test, verdict, text, seconds):
        counts[verdict] += 1
        suite = by_suite.setdefault(test.suite, {"passed": 0, "failed": 0, "skipped": 0, "s": 0.0})
        suite[verdict] += 1
        suite["s"] += seconds
        if verdict != "passed":
            failures.append((test, verdict))
            print(f"\n{verdict.upper()} {test.full_name}\n{text}", flush=True)
        elif arguments.v:
            print(f"passed {test.full_name} ({seconds:.2f} s)", flush=True)

    if arguments.minutes:
        random.Random(arguments.seed).shuffle(tests)

    def run_in_time(test):
        is_late = arguments.minutes and time.monotonic() - start > arguments.minutes * 60
        return None if is_late else run_test(test)

    with ThreadPoolExecutor(arguments.j) as pool:
        pending = {pool.submit(run_in_time, test): test for test in tests}
        for future in as_completed(pending):
            with lock:
                if future.result() is not None:
                    report(pending[future], *future.result())
    tools.close()
    print()
    for name, suite in by_suite.items():
        print(f"  {name:10} {suite['passed']:4} passed {suite['failed']:4} failed"
              + (f" {suite['skipped']:4} skipped" if suite["skipped"] else "") + f"  {suite['s']:7.1f} s")
    for what, number in sorted(tools.tried.items()):
        print(f"  {number:7} {what}")
    print(f"  {time.monotonic() - start:.1f} s on {arguments.j} cores, {arguments.mode} build")
    for test, verdict in failures:
        print(f"  {verdict}: {test.full_name}")
    skipped = f", {counts['skipped']} skipped" if counts["skipped"] else ""
    left = len(tests) - sum(counts.values())
    print(f"{counts['passed']} passed, {counts['failed']} failed{skipped}" + f", {left} not begun" * (left > 0))
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
