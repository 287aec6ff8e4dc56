#!/usr/bin/env python3
"""Measures compiled flows beside hand-written C for the same work. README.md says how to read it.

  bench.py           everything, about ten minutes on two cores
  bench.py --gate    only instructions per record, of flows against the goals and of the programs by
                     hand against the best known; exit 1 if one is exceeded

  --flowcc=PATH      the compiler (default build/flowcc)
  --work=DIR         where programs and inputs are kept (default build/bench)
  -k NAME            only workloads or sections with NAME in their name
"""
import argparse
import os
import sys

import figures
import queries
import tools
from workloads import HAND_SLACK, WORKLOADS

SECTIONS = {
  'workers': figures.print_workers,
  'order': figures.print_orders,
  'snapshots': figures.print_snapshots,
  'pause': figures.print_pauses,
  'resume': figures.print_resumes,
  'disk': figures.print_disk,
  'queries': queries.print_queries,
  'start': figures.print_start,
  'compiler': figures.print_compiler,
}


def check_gate(workloads, counts):
  """Whether all counts are within their limits; prints each."""
  is_met = True
  for w in workloads:
    count, hand = counts[w]
    for who, value, limit in (('flow', count, w.goal), ('by hand', hand, w.reference and w.reference * HAND_SLACK)):
      if limit is None:
        continue
      is_met &= value <= limit
      verdict = 'ok' if value <= limit else 'EXCEEDED'
      print(f'{w.name:11} {who:8} {value:6.0f} instructions per record, at most {limit:4.0f}: {verdict}')
  return is_met


def main():
  parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
  parser.add_argument('--gate', action='store_true')
  parser.add_argument('--flowcc', default=os.path.join(tools.ROOT, 'build', 'flowcc'))
  parser.add_argument('--work', default=os.path.join(tools.ROOT, 'build', 'bench'))
  parser.add_argument('-k', dest='name', default='')
  options = parser.parse_args()
  workloads = [w for w in WORKLOADS if options.name in w.name]
  sections = [name for name in SECTIONS if options.name in name and not options.gate]
  if not workloads and not sections:
    sys.exit(f'no workload and no section has {options.name} in its name')
  bench = tools.Bench(options.flowcc, options.work)
  bench.build([w.flow for w in WORKLOADS] + figures.FLOWS, [w.hand[0] for w in WORKLOADS])
  for w in workloads:
    figures.check_agreement(bench, w)
  counts = figures.count_instructions(bench, workloads)
  if options.gate:
    sys.exit(0 if check_gate(workloads, counts) else 1)
  print(f'{os.cpu_count()} cores; load average {os.getloadavg()[0]:.1f}, by other programs where it is over 1\n')
  goals = tools.Goals()
  figures.print_throughput(bench, workloads, counts, goals)
  for name in sections:
    SECTIONS[name](bench, goals)
  goals.print()


main()
