#!/usr/bin/env python3
"""Searches for programs at which the front end crashes, hangs, leaks, or breaks a rule of front.h: with libFuzzer,
then with AFL++, each for the same time, under AddressSanitizer and UBSan. `make fuzz` builds what this needs.

    tests/fuzz/campaign.py [--minutes 5] [--only libfuzzer|afl] [--jobs 1] [--keep]

Both start from the programs of the tests and the documentation, and go on from what they found the time before
(build/fuzz). What makes the front end fail is left in build/fuzz/failures; put the shortest form of it into
tests/fuzz/corpus, or better, as a message into tests/diag. --keep adds to tests/fuzz/corpus what reaches code
that nothing else there reaches.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from fuzz.front import CORPUS, ROOT, words, write_seeds  # noqa: E402

WORK = ROOT / "build" / "fuzz"
FAILURES = WORK / "failures"
LIBFUZZER, AFL = WORK / "tests" / "fuzzer", ROOT / "build" / "afl" / "tests" / "fuzzer"

# Per input. An input of this length is a long program; the sanitizers make everything slower and larger.
SECONDS, MEGABYTES, BYTES = 10, 1024, 16384


def quoted(word):
    return '"' + "".join(c if c.isalnum() or c in "_ .,:;()[]{}<>=+-*/%?!|#@`'" else
                         "".join(f"\\x{b:02x}" for b in c.encode()) for c in word) + '"'


def prepare():
    seeds = WORK / "seeds"
    shutil.rmtree(seeds, ignore_errors=True)
    write_seeds(seeds)
    for path in CORPUS.iterdir():
        shutil.copy(path, seeds / f"corpus-{path.name}")
    (WORK / "words.dict").write_text("".join(f"{quoted(word)}\n" for word in words()))
    for folder in (WORK / "corpus", FAILURES):
        folder.mkdir(parents=True, exist_ok=True)
    return seeds


def run_libfuzzer(seeds, minutes, jobs):
    limits = [f"-timeout={SECONDS}", f"-rss_limit_mb={2 * MEGABYTES}", f"-malloc_limit_mb={MEGABYTES}", f"-max_len={BYTES}"]
    each = [str(LIBFUZZER), *limits, f"-max_total_time={int(minutes * 60)}", f"-dict={WORK / 'words.dict'}",
            "-print_final_stats=1", "-detect_leaks=1", f"-artifact_prefix={FAILURES}/libfuzzer-",
            str(WORK / "corpus"), str(seeds)]
    logs = [open(WORK / f"libfuzzer-{number}.log", "w") for number in range(jobs)]
    processes = [subprocess.Popen([*each[:1], f"-seed={int(time.time()) + number}", *each[1:]], cwd=WORK,
                                  stdout=log, stderr=log) for number, log in enumerate(logs)]
    codes = [process.wait() for process in processes]
    for number, log in enumerate(logs):
        log.close()
        text = Path(log.name).read_text(errors="replace").splitlines()
        shown = [line for line in text if line.startswith(("stat::number_of", "==", "SUMMARY", "the front end"))]
        last = [line for line in text if " cov: " in line][-1:]
        print(f"libFuzzer {number}: exit code {codes[number]}", *last, *shown, sep="\n  ", flush=True)
    return all(code == 0 for code in codes)


def run_afl(seeds, minutes):
    if not AFL.exists() or not shutil.which("afl-fuzz"):
        print("AFL++ is not installed (apt-get install afl++), so it was left out")
        return True
    out = WORK / "afl"
    env = dict(os.environ, AFL_NO_UI="1", AFL_SKIP_CPUFREQ="1", AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES="1", AFL_AUTORESUME="1",
               AFL_NO_AFFINITY="1", AFL_FAST_CAL="1", AFL_TRY_AFFINITY="1", AFL_CMPLOG_ONLY_NEW="1",
               ASAN_OPTIONS="abort_on_error=1:symbolize=0:detect_leaks=0", UBSAN_OPTIONS="abort_on_error=1:halt_on_error=1")
    argv = ["afl-fuzz", "-i", str(seeds), "-o", str(out), "-x", str(WORK / "words.dict"), "-t", str(1000 * SECONDS),
            "-m", "none", "-G", str(BYTES), "-V", str(int(minutes * 60)), "--", str(AFL)]
    with open(WORK / "afl.log", "w") as log:
        code = subprocess.call(argv, cwd=WORK, env=env, stdout=log, stderr=log)
    stats = (out / "default" / "fuzzer_stats").read_text().splitlines() if code == 0 else []
    shown = [line for line in stats if line.startswith(("execs_done", "corpus_count", "saved_crashes", "saved_hangs", "edges_found",
                                                        "run_time"))]
    print(f"AFL++: exit code {code}", *shown, sep="\n  ", flush=True)
    found = [path for kind in ("crashes", "hangs") for path in (out / "default" / kind).glob("id*")]
    for path in found:
        shutil.copy(path, FAILURES / f"afl-{path.parent.name}-{path.name.split(',')[0].replace(':', '-')}")
    return code == 0 and not found


def keep(seeds):
    """Adds inputs that reach new code to tests/fuzz/corpus, under the hash of their content."""
    queue = WORK / "afl" / "default" / "queue"
    folders = [WORK / "corpus", *([queue] if queue.exists() else [])]
    merged = WORK / "merged"
    shutil.rmtree(merged, ignore_errors=True)
    shutil.copytree(seeds, merged)
    known = {path.name for path in merged.iterdir()}
    subprocess.run([str(LIBFUZZER), "-merge=1", "-use_counters=0", f"-timeout={SECONDS}", f"-max_len={BYTES}",
                    str(merged), *map(str, folders)], cwd=WORK, check=True, capture_output=True)
    new = [path for path in merged.iterdir() if path.name not in known]
    for path in new:
        shutil.copy(path, CORPUS / path.name[:12])
    print(f"{len(new)} inputs added to {CORPUS.relative_to(ROOT)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--only", choices=["libfuzzer", "afl"])
    parser.add_argument("--jobs", type=int, default=1, help="processes of libFuzzer")
    parser.add_argument("--keep", action="store_true", help="run nothing, add what was found to the corpus")
    args = parser.parse_args()
    seeds = prepare()
    if args.keep:
        keep(seeds)
        return 0
    is_good = args.only == "afl" or run_libfuzzer(seeds, args.minutes, args.jobs)
    is_good &= args.only == "libfuzzer" or run_afl(seeds, args.minutes)
    failures = sorted(FAILURES.iterdir())
    print(f"{len(failures)} failures in {FAILURES.relative_to(ROOT)}", *(path.name for path in failures), sep="\n  ")
    return 0 if is_good and not failures else 1


if __name__ == "__main__":
    sys.exit(main())
