"""Programs, inputs and measurements that bench.py and peers.py share."""
import concurrent.futures
import hashlib
import os
import re
import shutil
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


class Measured:
  """What measure.c says of one run, in microseconds and KiB."""

  def __init__(self, numbers):
    self.wall_us, user_us, system_us, self.peak_kib, self.first_us, self.gap_us = map(int, numbers)
    self.cpu_us = user_us + system_us


class Bench:
  def __init__(self, flowcc, work):
    self.flowcc = os.path.abspath(flowcc)
    self.work = os.path.abspath(work)
    os.makedirs(self.work, exist_ok=True)

  def path(self, *parts):
    return os.path.join(self.work, *parts)

  # -- programs and inputs ---------------------------------------------------------------------

  def build(self, flows, hands=()):
    cc = os.environ.get('CC', 'cc').split()
    flags = ['-std=gnu11', '-O3', '-Wall', '-Wextra', '-Werror']
    for tool in ('generate', 'measure'):
      run(cc + flags + [os.path.join(HERE, tool + '.c'), '-o', self.path(tool), '-lm'])
    for hand in set(hands):
      run(cc + flags + [os.path.join(HERE, 'hand', hand + '.c'), '-o', self.path('hand_' + hand)])
    for flow in set(flows):
      run([self.flowcc, os.path.join(HERE, flow + '.flow'), '-o', self.path(flow)])
    run([self.flowcc, os.path.join(ROOT, 'examples', 'nexmark', 'events.flow'), '-o', self.path('nexmark')])
    options = subprocess.run([self.path(next(iter(flows))), '--help'], stdout=subprocess.PIPE, text=True, check=True)
    self.has_workers = '--workers' in options.stdout

  def data(self, *words):
    """The input that generate.c, or for `nexmark` N the flow of that name, makes of these words: the same words,
    the same file."""
    words = [str(word) for word in words]
    path = self.path('-'.join(words))
    if not os.path.exists(path):
      with open(path + '.part', 'wb') as part:
        makes_events = words[0] == 'nexmark'
        command = [self.path('nexmark'), '--events'] + words[1:] if makes_events else [self.path('generate')] + words
        subprocess.run(command, stdout=part, check=True)
      os.rename(path + '.part', path)
    return path

  def flow(self, name, source, path, *options):
    """With one worker, unless the options say otherwise."""
    workers = ['-w', '1'] if self.has_workers and '-w' not in options else []
    return [self.path(name), '--source', f'{source}={path}', *workers, *options]

  def new_state(self):
    """The path of a state directory that is not there yet."""
    state = self.path('state')
    shutil.rmtree(state, ignore_errors=True)
    return state

  # -- measuring -------------------------------------------------------------------------------

  def measure(self, command, out='/dev/null'):
    """One run. `-` as out: through a pipe, which also times the first output and the longest pause."""
    return Measured(run([self.path('measure'), out] + command).splitlines()[-1].split())

  def alternate(self, commands, rounds, out='/dev/null'):
    """The commands in turn, so that what else the machine does hits all: a list of runs for each.
    A command may be a function that prepares its run and returns it."""
    runs = [[] for _ in commands]
    for _ in range(rounds):
      for command, measured in zip(commands, runs):
        measured.append(self.measure(command() if callable(command) else command, out))
    return runs

  def digest(self, command):
    """Of what the command writes to stdout."""
    hashed = hashlib.sha256()
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
      while data := child.stdout.read(1 << 20):
        hashed.update(data)
    if child.returncode != 0:
      sys.exit(f'{" ".join(command)}\nended with {child.returncode}')
    return hashed.hexdigest()

  def count(self, command):
    """Instructions of the whole run."""
    done = subprocess.run(['valgrind', '--tool=callgrind', '--callgrind-out-file=/dev/null'] + command,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=True)
    return int(re.search(r'Collected : (\d+)', done.stderr).group(1))

  def count_all(self, commands):
    """The same for each command, on all cores."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
      return list(pool.map(self.count, commands))


def run(command):
  """Returns what it wrote to stderr; ends everything if it fails."""
  done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
  if done.returncode != 0:
    sys.exit(f'{" ".join(command)}\nended with {done.returncode}\n{done.stderr}')
  return done.stderr


def median(runs, name):
  return statistics.median(getattr(r, name) for r in runs)


def size_of(folder):
  """Bytes that the files of a folder take on the disk."""
  return sum(512 * os.stat(os.path.join(folder, name)).st_blocks for name in os.listdir(folder))


class Goals:
  """The table at the end: goal, measured, does it hold?"""

  def __init__(self):
    self.rows = []

  def add(self, number, what, value, limit, unit='', at_least=False):
    holds = value >= limit if at_least else value <= limit
    sign = '≥' if at_least else '≤'
    self.rows.append((number, f'{what} {sign} {limit:g}{unit}', f'{value:.3g}{unit}'
                      if value < 100 else f'{value:.0f}{unit}', 'yes' if holds else 'NO'))

  def skip(self, number, what, why):
    self.rows.append((number, what, why, '-'))

  def print(self):
    if not self.rows:
      return
    rows = [('', 'goal', 'measured', 'holds?')] + sorted(self.rows, key=lambda row: row[0])
    wide = [max(len(str(row[i])) for row in rows) for i in range(3)]
    print('\nThe goals:')
    for number, what, value, holds in rows:
      print(f'  {number:>{wide[0]}} {what:{wide[1]}}  {value:>{wide[2]}}  {holds}')
