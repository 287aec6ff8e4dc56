// Workload C, final counts, in JavaScript: node word_count.js FILE
const fs = require('fs')
const readline = require('readline')

const counts = new Map()
let isHeader = true
const lines = readline.createInterface({ input: fs.createReadStream(process.argv[2], { highWaterMark: 1 << 18 }) })
lines.on('line', word => {
  if (!isHeader) counts.set(word, (counts.get(word) ?? 0) + 1)
  isHeader = false
})
lines.on('close', () => {
  const out = []
  for (const [word, count] of counts) out.push(JSON.stringify({ word, count }) + '\n')
  fs.writeSync(1, out.join(''))
})
