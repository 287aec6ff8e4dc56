"""The section of bench.py on NEXMark: every query of examples/nexmark over its events in CSV, and the generator apart."""
import glob
import json
import os
import shutil
import subprocess
import sys

from tools import ROOT, median, run
from workloads import named

sys.path.append(os.path.join(ROOT, 'tests', 'oracle'))
from nexmark import over_csv  # noqa: E402

EXAMPLES = os.path.join(ROOT, 'examples', 'nexmark')
EVENTS = 4_000_000       # of each query
SAVED_EVENTS = 20_000_000  # of those that are saved each second
ROUNDS = 3
MB = 1_000_000


def names():
  files = glob.glob(os.path.join(EXAMPLES, 'q*.flow'))
  return sorted((os.path.basename(file)[:-len('.flow')] for file in files), key=lambda name: int(name[1:]))


def text_of(name):
  with open(os.path.join(EXAMPLES, name + '.flow'), encoding='utf-8') as file:
    return file.read()


def build(bench, name, text):
  """The flow, to be run with one worker; what it reads and writes besides lies in the current directory."""
  flow, program = bench.path(f'query_{name}.flow'), bench.path('query_' + name)
  with open(flow, 'w', encoding='utf-8') as file:
    file.write(text)
  run([bench.flowcc, flow, '-o', program])
  return [program, '-w', '1']


def make_events(bench, command):
  """The file of the events with all their fields."""
  path = bench.path(f'events-{EVENTS}.csv')
  if not os.path.exists(path):
    with open(path + '.part', 'wb') as part:
      subprocess.run(command, stdout=part, check=True)
    os.rename(path + '.part', path)
  return path


def print_queries(bench, goals):
  """Events per second with one worker, rows, and the state that is there when the input ends."""
  os.chdir(bench.work)
  shutil.copy(os.path.join(EXAMPLES, 'side_input.csv'), bench.work)
  generator = build(bench, 'events', over_csv.with_channels(text_of('events'))) + ['--events', str(EVENTS)]
  path = make_events(bench, generator)
  [made] = bench.alternate([generator], ROUNDS)
  print(f'\nNEXMark, {EVENTS // MB} M events from CSV, one worker (the generator writes them as CSV at'
        f' {EVENTS / median(made, "cpu_us"):.1f} M events/s):')
  print(f'  {"":4} {"M events/s":>10} {"ns/event":>9} {"rows":>9} {"state MB":>9} {"entries":>9} {"peak MB":>8}')
  for name in names():
    command = build(bench, name, over_csv.replaced(text_of(name), path))
    [runs] = bench.alternate([command], ROUNDS)
    flushed, kept = (summary_of(command + ['--at-end', end]) for end in ('flush', 'keep'))
    us = median(runs, 'cpu_us')
    print(f'  {name:4} {EVENTS / us:10.1f} {1000 * us / EVENTS:9.1f} {flushed["out"]:9}'
          f' {kept["state_bytes"] / MB:9.1f} {kept["state_entries"]:9}'
          f' {median(runs, "peak_kib") / 1024:8.1f}', flush=True)
    for folder in glob.glob('bids-20??-??-??'):
      shutil.rmtree(folder)
  print_saving(bench, goals)


def summary_of(command):
  """What the program says at its end."""
  done = subprocess.run(command + ['--summary', 'json'], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                        text=True, check=True)
  return json.loads(done.stderr.splitlines()[-1])


def print_saving(bench, goals):
  """Throughput with a state directory and a commit each second, to that without, in wall time."""
  path = bench.data('nexmark', SAVED_EVENTS)
  print(f'\nNEXMark, {SAVED_EVENTS // MB} M events, state saved every second:')
  for name in ('NEXMark q2', 'NEXMark q5'):
    w = named(name)
    plain = bench.flow(w.flow, w.source, path)
    runs, saved = bench.alternate([plain, lambda: plain + ['-d', bench.new_state(), '-s', '1s']], ROUNDS)
    ratios = [median(runs, unit) / median(saved, unit) for unit in ('cpu_us', 'wall_us')]
    print(f'  {name}: {ratios[0]:.2f} of the throughput without in processor time, {ratios[1]:.2f} in wall time', flush=True)
    goals.add(9, f'{name}: throughput with -d to that without', min(ratios), 0.8, '', at_least=True)
