#!/usr/bin/env python3
"""Plants bugs in the runtime, one at a time, and plays seeds until each is found: make sim-bugs.

    tests/sim/bugs.py                       all of them, each with at most 1000 seeds (5000 for those that
                                            the simulation has found by itself)
    tests/sim/bugs.py lost_wake             some of them; BUGS="lost_wake" with make

A bug is a file of the runtime, a text that it must have exactly once, and what stands there instead. The
changed file is compiled beside the runtime and linked before it.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SEEDS, SEEDS_FOUND = 1000, 5000

BUGS = {
    "sink_not_synced": (
        "committer.c", "int error = sys->fdatasync(sys, fd);", "int error = 0;"),
    "sink_name_not_synced": (
        "committer.c", "return error == 0 && sync->is_created ?", "return error == 0 && false ?"),
    "store_not_synced": (
        "store.c", "mdb_env_open(store->env, dir, MDB_NOTLS, 0600)",
        "mdb_env_open(store->env, dir, MDB_NOTLS | MDB_NOSYNC, 0600)"),
    "commit_before_sink": (
        "committer.c", """  enum flow_status status = sync_files(c, report);
  if (status != FLOW_OK) return status;
  describe_group(c);
  return flow_store_commit(c->store, c->epochs, c->group.epoch_count, report);""",
        """  describe_group(c);
  enum flow_status status = flow_store_commit(c->store, c->epochs, c->group.epoch_count, report);
  return status == FLOW_OK ? sync_files(c, report) : status;"""),
    "commit_done_early": (
        "committer.c", """      sys->monitor_unlock(sys, c->monitor);
      enum flow_status status = save_group(c, &report);""",
        """      c->has_group = false;
      sys->monitor_unlock(sys, c->monitor);
      enum flow_status status = save_group(c, &report);"""),
    "lost_wake": (
        "crew.c", """  schedule_done(&c->schedule, task);
  c->sys->monitor_wake_all(c->sys, c->monitor);""", "  schedule_done(&c->schedule, task);"),
    "timers_not_loaded": (
        "engine_resume.c", "  engine_load_timers(e);\n", ""),
    "timers_by_share": (
        "engine_timers.c", "return x != y ? x < y : a->id < b->id;", "return x < y;"),
    "epoch_not_drained": (
        "engine.c", """  status = crew_drain(e->crew);
  return status == FLOW_OK ? engine_settle(e, event) : status;""",
        "  return status == FLOW_OK ? engine_settle(e, event) : status;"),
    "lost_tombstone": (
        "store_fold.c", "int code = store_writer_put(writer, row.row, is_gone ? NULL : &row.record);",
        "int code = is_gone ? 0 : store_writer_put(writer, row.row, &row.record);"),
    "row_ids_reused": (
        "engine_resume.c", "flow_table_loaded(t, loaded.next_row);", "flow_table_loaded(t, loaded.rows);"),
    "rows_not_numbered": (
        "engine_hooks.c", "if (e->worker_count > 1 && has_new) number_rows(e, i);", ""),
    "position_early": (
        "source.c", "  now->length += length;\n  now->line = s->line;\n  now->records += records;",
        "  now->line = s->line;\n  now->records += records;"),
    "position_of_before": (
        "input.c", "pack_row(out, file->row, file->is_stored ? NULL : file->name, &file->now, place);",
        "pack_row(out, file->row, file->is_stored ? NULL : file->name, &file->closed, place);"),
    "length_of_before": (
        "sink.c", "uint64_t length = s->written + s->out->buf.length - s->suppressed;",
        "uint64_t length = s->written - s->suppressed;"),
    "sink_not_cut": (
        "sink.c", "return info.size > s->stored_length ? cut(s, s->stored_length, report) : FLOW_OK;",
        "return FLOW_OK;"),
    "printed_twice": (
        "sink.c", "if (replays) s->suppressed = s->written - s->closed;", ""),
    "rows_crossed": (
        "flight.c", "    bool is_a = x[0] < y[0];\n"
        "    if (FLOW_UNLIKELY(x[0] == y[0])) is_a = flight_compare_paths(x, y, length) < 0;",
        "    bool is_a = x[0] <= y[0];"),
    "boxes_crossed": (
        "flight.c", "winners[match] = is_first(race, b, a) ? b : a;", "winners[match] = a;"),
    "share_not_saved": (
        "engine_epoch.c", "for (uint32_t i = 0; i < count; i++) close_share(&closing, i);",
        "for (uint32_t i = 0; i < count; i++) {\n"
        "      if (e->held.epoch_count < 4) close_share(&closing, i);\n"
        "      else for (uint32_t k = 0; k < states; k++) closing.ends[i * states + k] = starts[i];\n    }"),
    "rewind_without_epochs": (
        "store_commit.c", "  int code = store_delete_epochs(txn, store->delta_db, epoch, INT64_MAX);\n  if (code == 0) code = store_delete_epochs",
        "  int code = 0;\n  if (code == 0) code = store_delete_epochs"),
    "failure_forgotten": (
        "committer.c", "  return c->status;\n}\n\n/* Waits for the thread,",
        "  return FLOW_OK;\n}\n\n/* Waits for the thread,"),
}

# Mistakes that the simulation has found in the runtime. They show up only where a fault meets one call.
FOUND = {
    "no_memory_is_damage": (
        "store_read.c", "if (flow_schema_pool_is_short(store->pool)) return ENOMEM;", ""),
    "no_memory_is_a_path": (
        "io_dir.c", "    if (status != FLOW_E_INPUT) return status;\n", ""),
    "fault_is_a_gone_file": (
        "io_dir.c", "if (error < 0 && error != -ENOENT) {\n    look->status", "if (0) {\n    look->status"),
    "fault_is_a_gone_store": (
        "store.c", "if (error < 0) return flow_report_errno(report, FLOW_E_IO, error, \"look for %s\", path);", ""),
    "fault_is_a_lock": (
        "store.c", "return error == -ENOENT ? -EWOULDBLOCK : error;", "return -EWOULDBLOCK;"),
    "fault_is_another_writer": (
        "sink.c", "if (error < 0 && error != -ENOENT) {\n    return flow_report_errno(report, FLOW_E_CREATE, error, \"lock",
        "if (0) {\n    return flow_report_errno(report, FLOW_E_CREATE, error, \"lock"),
    "signal_ends_replay": (
        "engine_resume.c", "if (load->heeds_signals && stop_is_asked(&e->stop))", "if (stop_is_asked(&e->stop))"),
}
ALL = {**BUGS, **FOUND}


class NotUnique(Exception):
    pass


def changed_text(name):
    file, old, new = ALL[name]
    text = (ROOT / "runtime" / file).read_text()
    if text.count(old) != 1:
        raise NotUnique(f"{name}: {file} has its text {text.count(old)} times instead of once; "
                        "bring tests/sim/bugs.py up to date")
    return text.replace(old, new)


def build(name, mode):
    """Returns the simulator with the bug in it."""
    text = changed_text(name)
    work = ROOT / "build" / mode / "tests" / "sim"
    folder = work / "bugs" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / ALL[name][0]).write_text(text)
    binary = work / f"bug-{name}"
    binary.unlink(missing_ok=True)
    env = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    subprocess.run(["make", "-s", f"MODE={mode}", binary.relative_to(ROOT)], cwd=ROOT, env=env, check=True)
    return binary


def find(binary, seeds):
    """Plays the seeds; returns the one that shows the bug (or None) and what is printed."""
    result = subprocess.run([binary, "0", str(seeds)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    text = result.stdout.decode("utf-8", "backslashreplace")
    found = re.search(r"^seed (\d+), ", text, re.MULTILINE)
    return int(found.group(1)) if found else None, text


def main():
    parser = argparse.ArgumentParser(description="Plants bugs in the runtime, which seeds must find.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(ALL))
    parser.add_argument("--mode", default="release")
    arguments = parser.parse_args()
    missed = 0
    for name in arguments.names or ALL:
        seed, text = find(build(name, arguments.mode), SEEDS if name in BUGS else SEEDS_FOUND)
        lines = text.splitlines()
        if seed is None:
            missed += 1
            print(f"{name:24} NOT FOUND: {lines[-1] if lines else ''}", flush=True)
        else:
            print(f"{name:24} seed {seed:4}: {lines[1].strip() if len(lines) > 1 else ''}", flush=True)
    print(f"{missed} of {len(arguments.names or ALL)} bugs were not found")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
