#!/usr/bin/env python3
"""Measures compiled flows beside hand-written C for the same work. README.md says how to read it.

  bench.py           everything, under four minutes on two cores
  bench.py --gate    only instructions per record, against goals; exit 1 if one is exceeded

  --flowcc=PATH      the compiler (default build/flowcc)
  --work=DIR         where programs and inputs are kept (default build/bench)
  -k NAME            only workloads whose name holds NAME
"""
import argparse
import concurrent.futures
import os
import re
import shutil
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


class Workload:
  def __init__(self, name, flow, source, hand, data, records, counted, goal=None):
    self.name = name        # as in the table
    self.flow = flow        # FLOW.flow beside this file
    self.source = source    # its source
    self.hand = hand        # program in hand/ and its arguments
    self.data = data        # kind of input, and the number of keys
    self.records = records  # of the runs that are timed
    self.counted = counted  # of the two runs whose instructions are counted
    self.goal = goal        # instructions per record; None: no goal is set


# The counted runs of words begin with each word once, those of events last until carts are full, so
# that the difference of two runs is the steady state. Of B with many users the keys are part of it:
# their number grows with the records, as in the timed run.
WORKLOADS = [
  Workload('A sum', 'running_sum', 'numbers', ['running_sum'], ['numbers'],
           15_000_000, (50_000, 250_000), goal=235),
  Workload('B 1k users', 'cart_join', 'events', ['cart_join'], ['events', 1_000],
           5_000_000, (50_000, 250_000), goal=1210),
  Workload('B 1M users', 'cart_join', 'events', ['cart_join'], ['events', 1_000_000],
           10_000_000, (50_000, 250_000)),
  Workload('C final', 'word_count', 'rows', ['word_count', 'final'], ['words', 95_000],
           15_000_000, (50_000, 550_000), goal=145),
  Workload('C update', 'word_updates', 'rows', ['word_count', 'update'], ['words', 95_000],
           15_000_000, (50_000, 550_000), goal=230),
]
ROUNDS = 5


class Bench:
  def __init__(self, flowcc, work):
    self.flowcc = os.path.abspath(flowcc)
    self.work = os.path.abspath(work)
    os.makedirs(self.work, exist_ok=True)

  def path(self, *parts):
    return os.path.join(self.work, *parts)

  # -- programs and inputs ---------------------------------------------------------------------

  def build(self, workloads):
    cc = os.environ.get('CC', 'cc').split()
    flags = ['-std=gnu11', '-O3', '-Wall', '-Wextra', '-Werror']
    for tool in ('generate', 'measure'):
      run(cc + flags + [os.path.join(HERE, tool + '.c'), '-o', self.path(tool), '-lm'])
    for hand in {w.hand[0] for w in workloads}:
      run(cc + flags + [os.path.join(HERE, 'hand', hand + '.c'), '-o', self.path('hand_' + hand)])
    for flow in {w.flow for w in workloads}:
      run([self.flowcc, os.path.join(HERE, flow + '.flow'), '-o', self.path(flow)])

  def data(self, workload, records):
    """The input file with that many records; the same arguments always make the same file."""
    keys = workload.data[1:]
    if keys == [1_000_000]:
      keys = [max(records // 10, 1)]
    words = [workload.data[0], str(records)] + [str(key) for key in keys]
    path = self.path('-'.join(words))
    if not os.path.exists(path):
      with open(path + '.part', 'wb') as part:
        subprocess.run([self.path('generate')] + words, stdout=part, check=True)
      os.rename(path + '.part', path)
    return path

  def ours(self, workload, path, *options):
    return [self.path(workload.flow), '--source', f'{workload.source}={path}', *options]

  def by_hand(self, workload, path):
    return [self.path('hand_' + workload.hand[0])] + workload.hand[1:] + [path]

  def check_agreement(self, workload):
    """A comparison of speed says nothing unless both write the same."""
    path = self.data(workload, workload.counted[1])
    ours = subprocess.run(self.ours(workload, path), stdout=subprocess.PIPE, check=True).stdout
    hand = subprocess.run(self.by_hand(workload, path), stdout=subprocess.PIPE, check=True).stdout
    if ours != hand or len(ours) == 0:
      sys.exit(f'{workload.name}: flow and hand-written program do not write the same for {path}')

  # -- measuring -------------------------------------------------------------------------------

  def count(self, command):
    """Instructions of the whole run."""
    done = subprocess.run(['valgrind', '--tool=callgrind', '--callgrind-out-file=/dev/null'] + command,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=True)
    return int(re.search(r'Collected : (\d+)', done.stderr).group(1))

  def instructions(self, workloads):
    """For each workload (ours, by hand) per record, as the slope between two inputs."""
    jobs = {}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
      for w in workloads:
        for records in w.counted:
          path = self.data(w, records)
          jobs[w, 'ours', records] = pool.submit(self.count, self.ours(w, path))
          jobs[w, 'hand', records] = pool.submit(self.count, self.by_hand(w, path))
    def slope(w, who):
      few, many = w.counted
      return (jobs[w, who, many].result() - jobs[w, who, few].result()) / (many - few)
    return {w: (slope(w, 'ours'), slope(w, 'hand')) for w in workloads}

  def measure(self, command, out='/dev/null'):
    return Measured(run([self.path('measure'), out] + command).split())


class Measured:
  def __init__(self, numbers):
    self.wall_us, user_us, system_us, self.peak_kib, self.first_us = map(int, numbers)
    self.cpu_us = user_us + system_us


def run(command):
  done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
  if done.returncode != 0:
    sys.exit(f'{" ".join(command)}\nended with {done.returncode}\n{done.stderr}')
  return done.stderr


def median(runs, name):
  return statistics.median(getattr(r, name) for r in runs)


# -- what is printed -----------------------------------------------------------------------------

def print_throughput(bench, workloads, counts):
  """In processor time, which is less disturbed than wall time by what else the machine does. Both
  programs have one thread and never wait for a disk, so on a quiet machine it is the same."""
  print(f'{"":11} {"M rec/s":>8} {"MB/s in":>8} {"ns/rec":>7} {"by hand":>8} {"ratio":>6}'
        f' {"instr/rec":>10} {"by hand":>8} {"ratio":>6} {"peak MB":>8} {"by hand":>8}')
  for w in workloads:
    path = bench.data(w, w.records)
    ours, hand = [], []
    for _ in range(ROUNDS):
      ours.append(bench.measure(bench.ours(w, path)))
      hand.append(bench.measure(bench.by_hand(w, path)))
    us, hand_us = median(ours, 'cpu_us'), median(hand, 'cpu_us')
    count, hand_count = counts[w]
    print(f'{w.name:11} {w.records / us:8.1f} {os.path.getsize(path) / us:8.0f}'
          f' {1000 * us / w.records:7.1f} {1000 * hand_us / w.records:8.1f} {us / hand_us:6.2f}'
          f' {count:10.0f} {hand_count:8.0f} {count / hand_count:6.2f}'
          f' {median(ours, "peak_kib") / 1024:8.1f} {median(hand, "peak_kib") / 1024:8.1f}', flush=True)


def print_snapshots(bench, workload):
  """What saving costs with 1 M keys, all of which change between two snapshots."""
  path = bench.data(workload, workload.records)
  state = bench.path('state')
  ways = [('without -d', None), ('-d, saved at the end only', ['1h']), ('-d, every 1 s', ['1s']),
          ('-d, every 100 ms', ['100ms'])]
  times = {name: [] for name, _ in ways}
  resumed = []
  for _ in range(3):
    for name, interval in ways:
      shutil.rmtree(state, ignore_errors=True)
      options = ['-d', state, '--snapshot-interval', *interval] if interval else []
      times[name].append(bench.measure(bench.ours(workload, path, *options)))
    resumed.append(bench.measure(bench.ours(workload, path, *options)))
  base = median(times[ways[0][0]], 'cpu_us')
  print(f'\n{workload.name}, {workload.records // 1_000_000} M records, state saved:')
  for name, _ in ways:
    us = median(times[name], 'cpu_us')
    print(f'  {name:26} {us / 1000:6.0f} ms of processor time {100 * (us - base) / base:+4.0f} %,'
          f' {median(times[name], "wall_us") / 1000:6.0f} ms in all,'
          f' peak {median(times[name], "peak_kib") / 1024:.0f} MB', flush=True)
  size = sum(os.path.getsize(os.path.join(state, name)) for name in os.listdir(state))
  print(f'  {"resume, nothing new":26} {median(resumed, "cpu_us") / 1000:6.0f} ms of processor time,'
        f' {median(resumed, "wall_us") / 1000:6.0f} ms in all, peak {median(resumed, "peak_kib") / 1024:.0f} MB,'
        f' {size / 1e6:.0f} MB on disk')
  shutil.rmtree(state)


def print_start(bench, workload):
  path, state = bench.data(workload, 1), bench.path('state')
  print('\nA program with one record:')
  for name, options in (('without -d', []), ('with a new -d', ['-d', state])):
    runs = []
    for _ in range(20):
      shutil.rmtree(state, ignore_errors=True)
      runs.append(bench.measure(bench.ours(workload, path, *options), out='-'))
    print(f'  {name:26} {median(runs, "first_us") / 1000:7.1f} ms to the first output,'
          f' {median(runs, "wall_us") / 1000:.1f} ms in all, peak {median(runs, "peak_kib") / 1024:.1f} MB')
  runs = [bench.measure(bench.by_hand(workload, path), out='-') for _ in range(20)]
  print(f'  {"by hand":26} {median(runs, "first_us") / 1000:7.1f} ms to the first output,'
        f' {median(runs, "wall_us") / 1000:.1f} ms in all, peak {median(runs, "peak_kib") / 1024:.1f} MB')
  shutil.rmtree(state)


def print_compiler(bench):
  program = bench.path('cart_join')
  rounds = []
  for _ in range(3):
    lines = run([bench.flowcc, os.path.join(HERE, 'cart_join.flow'), '-o', program, '--time-passes'])
    rounds.append({words[0]: float(words[1]) for words in map(str.split, lines.splitlines())})
  cc = statistics.median(passes['build'] for passes in rounds)
  front = statistics.median(sum(passes.values()) - passes['build'] for passes in rounds)
  print(f'\ncart_join.flow: {front:.2f} ms in flowcc, {cc:.0f} ms in the C compiler;'
        f' the program has {os.path.getsize(program) / 1000:.0f} KB')


def check_goals(workloads, counts):
  is_met = True
  for w in workloads:
    if w.goal is None:
      continue
    count, hand = counts[w]
    verdict = 'ok' if count <= w.goal else 'EXCEEDED'
    is_met &= count <= w.goal
    print(f'{w.name:11} {count:6.0f} instructions per record, goal {w.goal}, by hand {hand:.0f}: {verdict}')
  return is_met


def main():
  parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
  parser.add_argument('--gate', action='store_true')
  parser.add_argument('--flowcc', default=os.path.join(ROOT, 'build', 'flowcc'))
  parser.add_argument('--work', default=os.path.join(ROOT, 'build', 'bench'))
  parser.add_argument('-k', dest='name', default='')
  options = parser.parse_args()
  workloads = [w for w in WORKLOADS if options.name in w.name]
  if options.gate:
    workloads = [w for w in workloads if w.goal is not None]
  if not workloads:
    sys.exit(f'no workload has {options.name} in its name')
  bench = Bench(options.flowcc, options.work)
  bench.build(workloads)
  for w in workloads:
    bench.check_agreement(w)
  counts = bench.instructions(workloads)
  if options.gate:
    sys.exit(0 if check_goals(workloads, counts) else 1)
  print_throughput(bench, workloads, counts)
  for w in workloads:
    if w.data == ['events', 1_000_000]:
      print_snapshots(bench, w)
    if w.data == ['numbers']:
      print_start(bench, w)
  if not options.name:
    print_compiler(bench)


main()
