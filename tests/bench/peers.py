#!/usr/bin/env python3
"""Runs the same work on what users would pick instead, and compares: README.md says how to read it.

  peers.py           all peers that are installed here, about ten minutes
  peers.py --install first installs Bytewax and Pathway into WORK/venv, and Flink into WORK/flink

  --flowcc=PATH      the compiler (default build/flowcc)
  --work=DIR         where programs and inputs are kept (default build/bench)
  -k NAME            only peers with NAME in their name

Exit 1 if a peer's answer is not ours. The programs are in peers/.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys

import tools
from workloads import named

PEERS = os.path.join(tools.HERE, 'peers')
ROUNDS = 3

# Goals, in how many times the processor time per record a peer takes.
GOALS = {'Bytewax': 30, 'Pathway': 10, 'Flink': 10, 'Java': 2.5, 'Miller': 100}


class Peer:
  def __init__(self, name, need, hint, version, runs):
    self.name = name
    self.need = need        # function of a Bench: is it installed?
    self.hint = hint        # what to say if it is not
    self.version = version  # command that prints the version
    self.runs = runs        # workload: (function from Bench and input to a command, few and many records)


def program(name):
  return lambda bench: shutil.which(name) is not None


def peer_file(name):
  return os.path.join(PEERS, name)


def plain(*words):
  """A command whose last argument is the input; words with a dot are files in peers/."""
  return lambda bench, path: [peer_file(w) if os.path.exists(peer_file(w)) else w for w in words] + [path]


def venv(bench, *parts):
  return bench.path('venv', *parts)


def in_venv(package):
  return lambda bench: os.path.exists(venv(bench, 'bin', 'python')) and subprocess.run(
      [venv(bench, 'bin', 'python'), '-c', f'import importlib.util as u; exit(u.find_spec("{package}") is None)'],
      ).returncode == 0


def package_version(package):
  return lambda bench: [venv(bench, 'bin', 'python'), '-c',
                        f'import importlib.metadata as m; print(m.version("{package}"))']


def bytewax(module):
  return lambda bench, path: ['env', f'PYTHONPATH={PEERS}', venv(bench, 'bin', 'python'), '-B', '-m', 'bytewax.run',
                              f"{module}:flow('{path}')"]


def java(name):
  return lambda bench, path: ['java', '-cp', bench.path('classes'), name, path]


def flink(name):
  return lambda bench, path: ['java', '--add-opens=java.base/java.util=ALL-UNNAMED', '-cp',
                              bench.path('flink', 'classes') + ':' + bench.path('flink', 'jars', '*'), name, path]


def has_flink(bench):
  return os.path.isdir(bench.path('flink', 'jars')) and shutil.which('javac') is not None


B, C = 'B 1k users', 'C final'
INSTALL = 'peers.py --install gets it with pip'
PEER_LIST = [
  Peer('Java', program('javac'), 'no javac here; Debian has it in default-jdk-headless', ['java', '-version'],
       {B: (java('CartJoin'), 500_000, 5_000_000), C: (java('WordCount'), 1_000_000, 10_000_000)}),
  Peer('mawk', program('mawk'), 'no mawk here', ['mawk', '-W', 'version'],
       {B: (plain('mawk', '-f', 'cart_join.awk'), 100_000, 1_000_000),
        C: (plain('mawk', '-f', 'word_count.awk'), 1_000_000, 5_000_000)}),
  Peer('node', program('node'), 'no node here; Debian has it in nodejs', ['node', '--version'],
       {B: (plain('node', 'cart_join.js'), 100_000, 1_000_000),
        C: (plain('node', 'word_count.js'), 1_000_000, 5_000_000)}),
  Peer('gawk', program('gawk'), 'no gawk here', ['gawk', '--version'],
       {B: (plain('gawk', '-f', 'cart_join.awk'), 50_000, 500_000),
        C: (plain('gawk', '-f', 'word_count.awk'), 1_000_000, 5_000_000)}),
  Peer('Python', program('python3'), 'no python3 here', ['python3', '--version'],
       {B: (plain('python3', 'cart_join.py'), 50_000, 500_000),
        C: (plain('python3', 'word_count.py'), 500_000, 2_000_000)}),
  Peer('Flink', has_flink, 'peers.py --install gets it with mvn; needs a JDK',
       lambda bench: ['sh', '-c', 'basename "$0"/flink-runtime-*.jar .jar', bench.path('flink', 'jars')],
       {B: (flink('FlinkCartJoin'), 200_000, 2_000_000), C: (flink('FlinkWordCount'), 500_000, 5_000_000)}),
  Peer('Pathway', in_venv('pathway'), INSTALL, package_version('pathway'),
       {C: (lambda bench, path: [venv(bench, 'bin', 'python'), peer_file('pathway_word_count.py'), path],
            500_000, 2_000_000)}),
  Peer('Bytewax', in_venv('bytewax'), INSTALL, package_version('bytewax'),
       {B: (bytewax('bytewax_cart_join'), 20_000, 200_000), C: (bytewax('bytewax_word_count'), 100_000, 1_000_000)}),
  Peer('Miller', program('mlr'), 'no mlr here; Debian has it in miller', ['mlr', '--version'],
       {B: (plain('mlr', '--ijsonl', '--ojsonl', 'put', '-q', '-f', 'cart_join.mlr'), 20_000, 200_000),
        C: (plain('mlr', '--icsv', '--ojsonl', 'count-distinct', '-f', 'word'), 1_000_000, 5_000_000)}),
  Peer('jq', program('jq'), 'no jq here', ['jq', '--version'],
       {B: (plain('jq', '-nc', '-f', 'cart_join.jq'), 2_000, 20_000),
        C: (plain('jq', '-nRc', '-f', 'word_count.jq'), 100_000, 500_000)}),
]


# -- installing ----------------------------------------------------------------------------------

def attempt(what, *commands):
  """Runs the commands; says so if one fails, and goes on."""
  for command in commands:
    try:
      done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=1800)
    except (OSError, subprocess.TimeoutExpired) as error:
      print(f'{what} cannot be installed: {error}')
      return
    if done.returncode != 0:
      print(f'{what} cannot be installed: {" ".join(command[:3])} …: {done.stdout.strip().splitlines()[-1:]}')
      return


def install(bench):
  if not in_venv('pip')(bench):
    attempt('a Python environment', [sys.executable, '-m', 'venv', venv(bench)])
  for package in ('bytewax==0.21.1', 'pathway==0.33.0'):
    attempt(package, [venv(bench, 'bin', 'python'), '-m', 'pip', 'install', '--quiet', package])
  folder = bench.path('flink')
  os.makedirs(folder, exist_ok=True)
  shutil.copy(peer_file('flink/pom.xml'), folder)
  attempt('Flink', ['mvn', '--quiet', '--batch-mode', '-f', os.path.join(folder, 'pom.xml'),
                    'dependency:copy-dependencies', '-DoutputDirectory=' + os.path.join(folder, 'jars')])


def compile_java(bench, peers):
  names = {peer.name for peer in peers}
  def sources(folder):
    return [os.path.join(folder, name) for name in os.listdir(folder) if name.endswith('.java')]
  if 'Java' in names:
    tools.run(['javac', '-d', bench.path('classes')] + sources(PEERS))
  if 'Flink' in names:
    tools.run(['javac', '-nowarn', '-d', bench.path('flink', 'classes'), '-cp', bench.path('flink', 'jars', '*')]
              + sources(peer_file('flink')))


# -- comparing -----------------------------------------------------------------------------------

def rows_of(command, fields):
  """The rows that it prints, as tuples; further fields do not count."""
  done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
  rows = []
  for line in done.stdout.splitlines():
    row = json.loads(line)
    rows.append(tuple(row[field] for field in fields))
  return rows


def compare(bench, peer, work, command, path):
  """Whether its answer is ours: `same`, `other order` if only rows of different keys change places."""
  fields = ('user_id', 'paid_order_ids', 'unpaid_order_ids') if work == B else ('word', 'count')
  w = named(work)
  ours = rows_of(bench.flow(w.flow, w.source, path), fields)
  theirs = rows_of(command(bench, path), fields)
  if ours == theirs:
    return 'same'
  key = lambda row: row[0]
  return 'other order' if sorted(ours, key=key) == sorted(theirs, key=key) else 'DIFFERS'


def slope(few, many, name, records):
  """ns per record: start-up does not count."""
  return 1000 * (tools.median(many, name) - tools.median(few, name)) / records


def measure(bench, peer, work, goals):
  """Prints a line; false if the answers differ."""
  command, few, many = peer.runs[work]
  w = named(work)
  small, large, our_large = (bench.data(*w.data(n)) for n in (few, many, w.records))
  our_small = bench.data(*w.data(w.counted[1]))
  answer = compare(bench, peer, work, command, small)
  commands = [command(bench, small), command(bench, large)]
  commands += [bench.flow(w.flow, w.source, path) for path in (our_small, our_large)]
  runs = bench.alternate(commands, ROUNDS)
  ns, wall = (slope(runs[0], runs[1], name, many - few) for name in ('cpu_us', 'wall_us'))
  our_ns, our_wall = (slope(runs[2], runs[3], name, w.records - w.counted[1]) for name in ('cpu_us', 'wall_us'))
  print(f'{peer.name:9} {work:11} {many / 1e6:7.2f} {1e3 / ns:9.3f} {ns:9.0f} {our_ns:6.1f} {ns / our_ns:8.1f}'
        f' {wall / our_wall:8.1f} {tools.median(runs[1], "peak_kib") / 1024:8.0f}  {answer}', flush=True)
  if peer.name in GOALS:
    goals.add(9, f'{peer.name}, {work}', ns / our_ns, GOALS[peer.name], ' ×', at_least=True)
  return answer != 'DIFFERS'


def print_versions(bench, peers):
  for peer in peers:
    command = peer.version(bench) if callable(peer.version) else peer.version
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    print(f'{peer.name:9} {done.stdout.splitlines()[0].strip()}')


def main():
  parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
  parser.add_argument('--install', action='store_true')
  parser.add_argument('--flowcc', default=os.path.join(tools.ROOT, 'build', 'flowcc'))
  parser.add_argument('--work', default=os.path.join(tools.ROOT, 'build', 'bench'))
  parser.add_argument('-k', dest='name', default='')
  options = parser.parse_args()
  bench = tools.Bench(options.flowcc, options.work)
  if options.install:
    install(bench)
  peers = []
  for peer in PEER_LIST:
    if options.name not in peer.name:
      continue
    if peer.need(bench):
      peers.append(peer)
    else:
      print(f'skipped: {peer.name}: {peer.hint}')
  bench.build([named(work).flow for work in (B, C)])
  compile_java(bench, peers)
  print_versions(bench, peers)
  print(f'\n{"":9} {"":11} {"M rec":>7} {"M rec/s":>9} {"ns/rec":>9} {"ours":>6} {"× ours":>8} {"× wall":>8}'
        f' {"peak MB":>8}  answer')
  goals = tools.Goals()
  done = [measure(bench, peer, work, goals) for peer in peers for work in peer.runs]
  goals.print()
  sys.exit(0 if all(done) else 1)


main()
