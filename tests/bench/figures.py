"""The sections of what bench.py prints. Each adds what it measured to the table of goals.

Where one thread does the work and never waits, processor time (user and system) stands for time: what
else the machine does disturbs it less. What concerns several threads is wall time, ours and what it is
compared with in turn."""
import os
import sys
import threading

from tools import HERE, median, run, size_of
from workloads import WORKLOADS, named

FLOWS = ['resume_small', 'resume_large']  # besides those of workloads
ROUNDS = 5
MB = 1_000_000


def ours(bench, workload, path, *options):
  return bench.flow(workload.flow, workload.source, path, *options)


def by_hand(bench, workload, path):
  return [bench.path('hand_' + workload.hand[0])] + workload.hand[1:] + [path]


def check_agreement(bench, workload):
  """A comparison of speed says nothing unless both write the same."""
  path = bench.data(*workload.data(workload.counted[1]))
  if bench.digest(ours(bench, workload, path)) != bench.digest(by_hand(bench, workload, path)):
    sys.exit(f'{workload.name}: flow and hand-written program do not write the same for {path}')


def count_instructions(bench, workloads):
  """For each workload (ours, by hand) per record, as the slope between two inputs."""
  commands = []
  for w in workloads:
    for records in w.counted:
      path = bench.data(*w.data(records))
      commands += [ours(bench, w, path), by_hand(bench, w, path)]
  counts = iter(bench.count_all(commands))
  slopes = {}
  for w in workloads:
    few, few_hand, many, many_hand = (next(counts) for _ in range(4))
    records = w.counted[1] - w.counted[0]
    slopes[w] = ((many - few) / records, (many_hand - few_hand) / records)
  return slopes


# -- throughput ----------------------------------------------------------------------------------

def print_throughput(bench, workloads, counts, goals):
  if workloads:
    print(f'{"":11} {"M rec/s":>8} {"MB/s in":>8} {"ns/rec":>7} {"by hand":>8} {"ratio":>6}'
          f' {"instr/rec":>10} {"by hand":>8} {"ratio":>6} {"peak MB":>8} {"by hand":>8}')
  times = {}
  for w in workloads:
    path = bench.data(*w.data(w.records))
    runs, hand_runs = bench.alternate([ours(bench, w, path), by_hand(bench, w, path)], ROUNDS)
    us, hand_us = median(runs, 'cpu_us'), median(hand_runs, 'cpu_us')
    count, hand_count = counts[w]
    peak, hand_peak = median(runs, 'peak_kib'), median(hand_runs, 'peak_kib')
    print(f'{w.name:11} {w.records / us:8.1f} {os.path.getsize(path) / us:8.0f}'
          f' {1000 * us / w.records:7.1f} {1000 * hand_us / w.records:8.1f} {us / hand_us:6.2f}'
          f' {count:10.0f} {hand_count:8.0f} {count / hand_count:6.2f}'
          f' {peak / 1024:8.1f} {hand_peak / 1024:8.1f}', flush=True)
    times[w.name] = us / w.records
    if w.name.startswith('NEXMark'):
      goals.add(9, f'{w.name}: throughput to that by hand', hand_us / us, 0.5, '', at_least=True)
    if w.goal is not None:
      goals.add(1, f'{w.name}: instructions per record', count, w.goal)
    if w.name == 'B 1M users':
      goals.add(3, 'peak memory per user of a million', peak * 1024 / (w.records / 10), 130, ' B')
    if w.name == 'B 1k users':
      goals.add(7, 'peak memory with few keys', peak * 1024 / MB, 16, ' MB')
  if 'B 1k users' in times and 'B 1M users' in times:
    goals.add(3, 'time of 1M users to that of 1k', times['B 1M users'] / times['B 1k users'], 2, ' ×')


def print_workers(bench, goals):
  """Wall time of one worker to that of two, which must write the same bytes."""
  if not bench.has_workers:
    goals.skip(4, 'one worker to two ≥ 1.6 ×', 'programs have no -w')
    return
  print('\nTwo workers, in wall time:')
  for w in WORKLOADS:
    path = bench.data(*w.data(w.counted[1]))
    ways = [['-w', '1'], ['-w', '2']]
    if len({bench.digest(ours(bench, w, path, *way)) for way in ways}) != 1:
      sys.exit(f'{w.name}: two workers do not write what one writes for {path}')
    path = bench.data(*w.data(w.records))
    one, two = bench.alternate([ours(bench, w, path, *way) for way in ways], ROUNDS)
    one_us, two_us = median(one, 'wall_us'), median(two, 'wall_us')
    more = median(two, 'cpu_us') / median(one, 'cpu_us')
    print(f'  {w.name:11} {1000 * one_us / w.records:6.1f} ns with one, {1000 * two_us / w.records:6.1f} ns with two:'
          f' {one_us / two_us:.2f} ×; processor time {more:.2f} ×, so {2 / more:.2f} × with both cores for itself;'
          f' peak {median(two, "peak_kib") / 1024:.1f} MB', flush=True)
    if w.name in ('B 1k users', 'B 1M users'):
      goals.add(4, f'{w.name}: one worker to two', one_us / two_us, 1.6, ' ×', at_least=True)


def print_orders(bench, goals):
  """JSON whose fields come in another order than the record declares."""
  print('\nFields of JSON in another order:')
  for w, forms in ((named('B 1k users'), ['events', 1_000]), (named('D JSON'), ['bids', 10_000, 'json'])):
    orders = ('declared', 'reversed', 'mixed')
    def data(records, order):
      return bench.data(forms[0], records, *forms[1:], *([order] if order != 'declared' else []))
    few, many = w.counted
    if len({bench.digest(ours(bench, w, data(many, order))) for order in orders}) != 1:
      sys.exit(f'{w.name}: the order of the fields changes what is written')
    counts = bench.count_all([ours(bench, w, data(n, order)) for order in orders for n in w.counted])
    timed = 2_000_000
    runs = bench.alternate([ours(bench, w, data(timed, order)) for order in orders], ROUNDS)
    base, base_count = median(runs[0], 'cpu_us'), counts[1] - counts[0]
    for i, order in enumerate(orders):
      us, count = median(runs[i], 'cpu_us'), counts[2 * i + 1] - counts[2 * i]
      print(f'  {w.name:11} {order:9} {1000 * us / timed:6.1f} ns {us / base:5.2f} ×,'
            f' {count / (many - few):6.0f} instructions {count / base_count:5.2f} ×', flush=True)
      if order != 'declared':
        goals.add(2, f'{w.name}: time of fields {order}', us / base, 2.2, ' ×')


# -- saving --------------------------------------------------------------------------------------

def saving(bench, workload, path, interval):
  """A run that saves at that interval into a new directory; None: does not save."""
  if interval is None:
    return ours(bench, workload, path)
  return lambda: ours(bench, workload, path, '-d', bench.new_state(), '--snapshot-interval', interval)


INTERVALS = (('without -d', None), ('-d, at the end only', '1h'), ('-d, every 1 s', '1s'),
             ('-d, every 100 ms', '100ms'))


def print_snapshots(bench, goals):
  """What saving costs: in processor time, which is what is lost where all cores are busy, and in wall
  time, which is what is lost where a core is free to save."""
  for w, words, limits in ((named('B 1M users'), ['events', 20_000_000, 1_000_000], (3, 20)),
                           (named('B 1k users'), ['events', 20_000_000, 1_000], (2, 2))):
    path = bench.data(*words)
    runs = bench.alternate([saving(bench, w, path, interval) for _, interval in INTERVALS], 3)
    base, base_wall = median(runs[0], 'cpu_us'), median(runs[0], 'wall_us')
    print(f'\n{w.name}, {words[1] // MB} M records, state saved:')
    for (name, interval), measured in zip(INTERVALS, runs):
      us, wall = median(measured, 'cpu_us'), median(measured, 'wall_us')
      more, more_wall = 100 * (us / base - 1), 100 * (wall / base_wall - 1)
      print(f'  {name:20} {us / 1000:6.0f} ms of processor time {more:+4.0f} %, {wall / 1000:6.0f} ms in all'
            f' {more_wall:+4.0f} %, peak {median(measured, "peak_kib") / 1024:.0f} MB', flush=True)
      if interval == '1s':
        goals.add(5, f'{w.name}: cost of saving each second, a core free', more_wall, limits[0], ' %')
        goals.add(5, f'{w.name}: cost of saving each second, all busy', more, limits[1], ' %')


def print_pauses(bench, goals):
  """The longest time without output, of a program that writes all the time into a pipe."""
  w = named('B 1M users')
  path = bench.data('events', 20_000_000, 1_000_000)
  ways = [INTERVALS[0], INTERVALS[2]]
  runs = bench.alternate([saving(bench, w, path, interval) for _, interval in ways], 3, out='-')
  gaps = [median(measured, 'gap_us') / 1000 for measured in runs]
  print('\nLongest pause of the output, a million keys dirty at each save:')
  for (name, _), gap in zip(ways, gaps):
    print(f'  {name:20} {gap:7.1f} ms')
  goals.add(5, 'pause per 100,000 dirty rows', gaps[1] / 10, 2, ' ms')


def print_resumes(bench, goals):
  """A run that finds nothing new: it loads the state and ends."""
  print('\nResume, nothing new to read:')
  for flow, size, keys, limit_ms in (('resume_small', '18 B', MB, 100), ('resume_large', '200 B', MB, 300),
                                     ('resume_small', '18 B', 10 * MB, 3000)):
    state = bench.new_state()
    command = bench.flow(flow, 'ids', bench.data('ids', keys), '-d', state)
    bench.measure(command + ['--snapshot-interval', '1h'])
    [runs] = bench.alternate([command], ROUNDS)
    us = median(runs, 'cpu_us')
    what = f'{keys // MB} M keys, values of {size}'
    print(f'  {what:28} {us / 1000:6.0f} ms of processor time, {median(runs, "wall_us") / 1000:6.0f} ms in all,'
          f' peak {median(runs, "peak_kib") / 1024:.0f} MB, {size_of(state) / MB:.0f} MB on disk', flush=True)
    goals.add(6, f'resume of {what}', us / 1000, limit_ms, ' ms')
  bench.new_state()


class Largest:
  """Watches how large a folder gets while a program writes into it."""

  def __init__(self, folder):
    self.size = 0
    self.folder = folder
    self.stopped = threading.Event()
    self.thread = threading.Thread(target=self.watch)
    self.thread.start()

  def watch(self):
    while not self.stopped.wait(0.05):
      try:
        self.size = max(self.size, size_of(self.folder))
      except FileNotFoundError:
        pass

  def stop(self):
    self.stopped.set()
    self.thread.join()
    self.size = max(self.size, size_of(self.folder))


def print_disk(bench, goals):
  """State on disk after many epochs to the state itself, packed: saved once and never folded."""
  w = named('B 1M users')
  path = bench.data('events', 10_000_000, 1_000_000)
  ways = (('saved once, packed', ['-s', '1h', '--retain-epochs', '1000000']),
          ('an epoch per 20,000 records', ['--epoch-records', '20000']),
          ('saved every 50 ms', ['-s', '50ms']))
  live = None
  print('\nState on disk, B with 1M users, 10 M records:')
  for name, options in ways:
    state = bench.new_state()
    watcher = Largest(state)
    bench.measure(ours(bench, w, path, '-d', state, *options))
    watcher.stop()
    size = size_of(state)
    if live is not None:
      goals.add(8, f'state on disk to live, {name}', size / live, 2, ' ×')
    live = live or size
    print(f'  {name:28} {size / MB:6.0f} MB at the end, {size / live:.2f} ×; {watcher.size / MB:6.0f} MB at most',
          flush=True)
  bench.new_state()


# -- small things --------------------------------------------------------------------------------

def print_start(bench, goals):
  w = named('A sum')
  path = bench.data('numbers', 1)
  print('\nA program with one record:')
  ways = (('without -d', ours(bench, w, path)),
          ('with a new -d', lambda: ours(bench, w, path, '-d', bench.new_state())),
          ('by hand', by_hand(bench, w, path)))
  for (name, _), runs in zip(ways, bench.alternate([command for _, command in ways], 20, out='-')):
    first_ms = median(runs, 'first_us') / 1000
    print(f'  {name:14} {first_ms:5.1f} ms to the first output, {median(runs, "wall_us") / 1000:.1f} ms in all,'
          f' peak {median(runs, "peak_kib") / 1024:.1f} MB')
    if name == 'without -d':
      goals.add(7, 'start-up to the first output', first_ms, 5, ' ms')
  bench.new_state()


def print_compiler(bench, goals):
  print('\nCompiling, in processor time:')
  for flow in sorted({w.flow for w in WORKLOADS}):
    program = bench.path(flow)
    compile_it = [bench.flowcc, os.path.join(HERE, flow + '.flow'), '-o', program]
    [runs] = bench.alternate([compile_it], 3)
    lines = run(compile_it + ['--time-passes']).splitlines()
    passes = {words[0]: float(words[1]) for words in map(str.split, lines)}
    front = passes['all']
    size = os.path.getsize(program) / 1000
    print(f'  {flow + ".flow":18} {median(runs, "cpu_us") / 1000:.0f} ms, of which flowcc {front:.2f} ms;'
          f' the program has {size:.0f} KB', flush=True)
    if flow == 'cart_join':
      goals.add(7, 'size of cart_join', size, 300, ' KB')
  print_tools(bench, goals)


def thousand_lines():
  """A flow with a bit of everything, of a thousand lines."""
  with open(os.path.join(HERE, 'unit.flow'), encoding='utf-8') as file:
    unit = file.read()
  count = 1000 // (unit.count('\n') + 1)
  return '\n'.join(unit.replace('_N', f'_{i}') for i in range(count))


def print_tools(bench, goals):
  """What a person waits for."""
  large = bench.path('thousand.flow')
  with open(large, 'w', encoding='utf-8') as file:
    file.write(thousand_lines())
  few, numbers = bench.path('few.txt'), bench.path('numbers.flow')
  with open(few, 'w', encoding='utf-8') as file:
    file.write('1\n')
  with open(numbers, 'w', encoding='utf-8') as file:
    file.write(f'source numbers: int = file("{few}", text)\nnumbers |> into stdout\n')
  program = bench.path('numbers')
  run([bench.flowcc, numbers, '-o', program])
  run([bench.flowcc, 'run', numbers])
  checks, formats, twice, once = bench.alternate(
      [[bench.flowcc, 'check', large], [bench.flowcc, 'fmt', '--check', large], [bench.flowcc, 'run', numbers], [program]], 11)
  check_ms, fmt_ms = median(checks, 'wall_us') / 1000, median(formats, 'wall_us') / 1000
  more_ms = (median(twice, 'wall_us') - median(once, 'wall_us')) / 1000
  print(f'  check of 1,000 lines {check_ms:.1f} ms, fmt {fmt_ms:.1f} ms; run of an unchanged flow {more_ms:.1f} ms more'
        ' than its program', flush=True)
  goals.add(7, 'check of 1,000 lines', check_ms, 50, ' ms')
  goals.add(7, 'what run adds to an unchanged program', more_ms, 30, ' ms')
