"""Workload C, final counts, on Bytewax: python -m bytewax.run "bytewax_word_count:flow('FILE')" """
import json
from pathlib import Path

import bytewax.operators as op
from bytewax.connectors.files import CSVSource
from bytewax.connectors.stdio import StdOutSink
from bytewax.dataflow import Dataflow


def flow(path):
  word_count = Dataflow('word_count')
  rows = op.input('rows', word_count, CSVSource(Path(path)))
  counts = op.count_final('counts', rows, lambda row: row['word'])
  lines = op.map('line', counts, lambda pair: json.dumps({'word': pair[0], 'count': pair[1]}))
  op.output('out', lines, StdOutSink())
  return word_count
