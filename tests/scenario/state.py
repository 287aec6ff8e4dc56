"""flowcc state beside runs: while one commits, after a crash, after going back in time."""

import json
import os
import shutil
import signal
import subprocess
import threading

from harness.base import EXAMPLES, Failure, check_equal, check_match

# Both states see every record, so at the end of each epoch the counts add up to the total.
BOTH = """\
source numbers: int = stdin(text)
numbers |> key by it % 50000 |> state counts: int = 0 { counts += 1 }
numbers |> key by "ALL" |> state total: int = 0 { total += 1 }
"""
# Enough text in each epoch for a fold.
TEXTS = """\
source numbers: int = file("numbers.txt", text)
numbers |> key by it |> state texts: string = "" {
  texts = f"{texts} the number {it} was seen once more, and that is written down at some length"
}
numbers |> key by "ALL" |> state total: int = 0 { total += 1 }
"""
CART = (EXAMPLES / "cart_join" / "cart_join_epochs.flow").read_text()
SEED = (EXAMPLES / "cart_join" / "cart-join.json").read_bytes().replace(b"FAIL HERE\n", b"")
FILE_CART = (EXAMPLES / "cart_join" / "cart_join_file.flow").read_text()


def state(box, *args, **options):
    return box.run(box.tools.flowcc, "state", *args, **options)


def lines(result):
    return [json.loads(line) for line in result.out.splitlines()]


def state_hash(box, directory, *args):
    return lines(state(box, "verify", directory, "--json", *args))[0]["hash"]


class Feeder:
    """Writes numbers into a FIFO until it is told to end, and counts them."""

    def __init__(self, path):
        self.path, self.count, self.is_over = path, 0, threading.Event()
        os.mkfifo(path)
        self.thread = threading.Thread(target=self.feed)

    def feed(self):
        with open(self.path, "wb") as pipe:
            while not self.is_over.is_set():
                pipe.write(b"".join(b"%d\n" % ((self.count + i) * 7919) for i in range(2000)))
                self.count += 2000

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        self.thread.join()


def look(box):
    """One look at everything: the total, and the oldest epoch that is still there."""
    found = lines(state(box, "dump", "db"))
    counted = sum(line["value"] for line in found if line["state"] == "counts")
    total = sum(line["value"] for line in found if line["state"] == "total")
    check_equal(str(total), str(counted), "the sum of all counts, and the total")
    verdict = lines(state(box, "verify", "db", "--json"))[0]
    rows = [line["rows"] for line in lines(state(box, "ls", "db", "--json")) if line["kind"] == "state"]
    check_equal("1", str(rows[1]), "rows of total")
    if not verdict["good"] or rows[0] > 50000:
        raise Failure(f"{verdict} {rows}")
    return total, lines(state(box, "epochs", "db", "--json"))[0]["epoch"]


def test_a_run_is_not_disturbed(box):
    """It commits and folds while others look at its state, and each sees one epoch, whole."""
    box.compile(BOTH, "both")
    with Feeder(box.path / "fifo") as feeder, \
            box.start("sh", "-c", "exec ./both -d db -s 10ms --summary json < fifo") as run:
        run.wait_for(lambda: (box.path / "db" / "data.mdb").exists(), "the store")
        run.wait_for(lambda: state(box, "get", "db", "total", "ALL", exit=None).code == 0, "the first epoch")
        looks = [look(box)]
        limit = 200
        while len(looks) < 4 or looks[-1][1] == 0:
            looks.append(look(box))
            if len(looks) > limit:
                raise Failure(f"nothing was folded in {limit} looks: {looks[-1]}")
        feeder.is_over.set()
        feeder.thread.join()
        run.process.wait(30 if box.tools.mode == "release" else 300)
        result = run.output()
    check_equal("0", str(result.code), "exit code")
    totals = [total for total, _ in looks]
    if sorted(totals) != totals or totals[0] == totals[-1]:
        raise Failure(f"the totals of one run are not in order: {totals}")
    check_equal(f"{feeder.count}\n", state(box, "get", "db", "total", "ALL").out, "all that was fed")


def test_dropping_needs_the_lock(box):
    box.compile(BOTH, "both")
    with Feeder(box.path / "fifo") as feeder, \
            box.start("sh", "-c", "exec ./both -d db -s 10ms < fifo") as run:
        run.wait_for(lambda: state(box, "get", "db", "total", "ALL", exit=None).code == 0, "the first epoch")
        result = state(box, "drop", "db", "total", exit=75)
        check_match([rf"in use by process {run.pid}", "stop that run first"], result.err)
        feeder.is_over.set()
        feeder.thread.join()
        run.process.wait(30 if box.tools.mode == "release" else 300)
    check_equal(f"{feeder.count}\n", state(box, "get", "db", "total", "ALL").out, "all that was fed")


def test_after_a_crash(box):
    """What a killed run has committed is there, and is what an undisturbed run had at that epoch."""
    box.compile(FILE_CART, "cart_join")
    box.write("cart-join.json", SEED * 400)
    args = ("--epoch-records", "7", "--retain-epochs", "100000", "-s", "1ms")
    box.run("./cart_join", "-d", "whole", *args)
    with box.start("./cart_join", "-d", "db", *args) as run:
        run.wait_for(lambda: state(box, "ls", "db", exit=None).code == 0
                     and b"no epoch" not in state(box, "ls", "db").out, "the first epoch")
        run.process.kill()
        run.process.wait()
    head = lines(state(box, "ls", "db", "--json"))[0]["epoch"]
    check_equal(state_hash(box, "whole", "--epoch", head), state_hash(box, "db"), f"the state of epoch {head}")
    check_equal(state(box, "dump", "whole", "--epoch", head).out, state(box, "dump", "db").out, "the dumps")
    box.run("./cart_join", "-d", "db", *args)
    check_equal(state(box, "dump", "whole").out, state(box, "dump", "db").out, "the dumps at the end")


def test_time_travel(box):
    """As a person would do it: look for the epoch at which it went wrong, go back there, repair."""
    box.compile(CART, "cart_join")
    box.write("cart-join.json", SEED)
    keep = ("--epoch-records", "1", "--retain-epochs", "100")
    printed = box.run("./cart_join", "-d", "db", *keep).out.splitlines(True)
    hashes = [state_hash(box, "db", "--epoch", number) for number in range(len(printed))]
    check_match(["--resume-epoch takes 0 to 7"], state(box, "epochs", "db").out, "stdout")
    # Beyond what is there, the message names the range, and nothing has happened.
    result = box.run("./cart_join", "-d", "db", *keep, "--resume-epoch", "8", exit=78)
    check_match(["cannot go back to epoch 8: --resume-epoch takes 0 to 7 for the state in db"], result.err)
    check_equal(hashes[-1], state_hash(box, "db"), "the state")
    # Back to the end of epoch 3: the same program does the rest again.
    result = box.run("./cart_join", "-d", "db", *keep, "--resume-epoch", "4")
    check_equal(b"".join(printed[4:]), result.out, "what is printed again")
    check_equal(hashes[-1], state_hash(box, "db"), "the state after the same input")
    epochs = lines(state(box, "epochs", "db", "--json"))
    check_equal("0 0 0 0 1 1 1", " ".join(str(epoch["timeline"]) for epoch in epochs), "timelines")
    # A repaired program goes another way from there on.
    box.compile(CART.replace("cart.paid_order_ids.push(order_id)", "cart.paid_order_ids.push(-order_id)"),
                "cart_join")
    box.run("./cart_join", "-d", "db", *keep, "--resume-epoch", "4")
    check_equal(hashes[3], state_hash(box, "db", "--epoch", "3"), "the state before")
    check_match([r'~ cart "a": .*-> \{"paid_order_ids": \[2, -1\]'], state(box, "diff", "db", "3").out, "stdout")


def test_going_back_cuts_files(box):
    """What a file sink got in epochs that are forgotten goes with them."""
    box.compile(FILE_CART, "cart_join")
    box.write("cart-join.json", SEED)
    keep = ("--epoch-records", "1", "--retain-epochs", "100")
    box.run("./cart_join", "-d", "db", *keep)
    first = box.read("carts.jsonl").splitlines(True)
    box.compile(FILE_CART.replace("cart.paid_order_ids.push(order_id)", "cart.paid_order_ids.push(-order_id)"),
                "cart_join")
    box.run("./cart_join", "-d", "db", *keep, "--resume-epoch", "4")
    second = box.read("carts.jsonl").splitlines(True)
    check_equal(b"".join(first[:4]), b"".join(second[:4]), "the lines of epochs 0 to 3")
    check_match([r"-1\]", r"-4\]"], b"".join(second[4:]), "carts.jsonl")
    check_equal(f"{len(first)}\n", f"{len(second)}\n", "lines")
    length = lines(state(box, "dump", "db", "carts"))[0]["value"]["length"]
    check_equal(f"{len(b''.join(second))}\n", f"{length}\n", "the length that is saved")


def test_going_back_without_history(box):
    """What was folded away cannot be reached; the message says what can."""
    box.compile(TEXTS, "texts")
    for _ in range(4):
        box.append("numbers.txt", "".join(f"{n}\n" for n in range(40000)))
        box.run("./texts", "-d", "db", "--epoch-records", "20000")
    epochs = lines(state(box, "epochs", "db", "--json"))
    oldest, newest = epochs[0]["epoch"], epochs[-1]["epoch"]
    check_equal(repr([False] + [True] * (len(epochs) - 1)), repr([epoch["can_resume"] for epoch in epochs]),
                "can_resume")
    if oldest == 0:
        raise Failure("nothing was folded")
    names = f"--resume-epoch takes {oldest + 1} to {newest + 1}"
    check_match([names], state(box, "epochs", "db").out, "stdout")
    result = box.run("./texts", "-d", "db", "--resume-epoch", str(oldest), exit=78)
    check_match([names + " for the state in db", "--retain-epochs N keeps"], result.err)
    check_match([f"has epochs {oldest} to {newest}"],
                state(box, "dump", "db", "--epoch", str(oldest - 1), exit=78).err)
    before = state_hash(box, "db", "--epoch", str(oldest))
    box.run("./texts", "-d", "db", "--resume-epoch", str(oldest + 1), "--once")
    check_equal(before, state_hash(box, "db", "--epoch", str(oldest)), "the oldest state")
    check_equal("160000\n", state(box, "get", "db", "total", "ALL").out, "everything was read again")
