"""Workload C, final counts, on Pathway: pathway_word_count.py FILE"""
import sys

import pathway as pw


class Row(pw.Schema):
  word: str


rows = pw.io.csv.read(sys.argv[1], schema=Row, mode='static')
counts = rows.groupby(rows.word).reduce(rows.word, count=pw.reducers.count())
pw.io.jsonlines.write(counts, '/dev/stdout')
pw.run(monitoring_level=pw.MonitoringLevel.NONE)
