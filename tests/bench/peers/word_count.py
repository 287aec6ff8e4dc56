"""Workload C, final counts, in Python: word_count.py FILE"""
import csv
import json
import sys

counts = {}
with open(sys.argv[1], newline='') as rows:
  for row in csv.DictReader(rows):
    word = row['word']
    counts[word] = counts.get(word, 0) + 1
for word, count in counts.items():
  sys.stdout.write(json.dumps({'word': word, 'count': count}) + '\n')
