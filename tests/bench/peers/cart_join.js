// Workload B in JavaScript: node cart_join.js FILE
const fs = require('fs')
const readline = require('readline')

const carts = new Map()
let out = []
let length = 0

function flush() {
  fs.writeSync(1, out.join(''))
  out = []
  length = 0
}

const lines = readline.createInterface({ input: fs.createReadStream(process.argv[2], { highWaterMark: 1 << 18 }) })
lines.on('line', line => {
  const event = JSON.parse(line)
  let cart = carts.get(event.user_id)
  if (cart === undefined) carts.set(event.user_id, cart = { paid: [], unpaid: [] })
  if (event.type === 'order') {
    cart.unpaid.push(event.order_id)
  } else {
    const at = cart.unpaid.indexOf(event.order_id)
    if (at >= 0) cart.unpaid.splice(at, 1)
    cart.paid.push(event.order_id)
    if (cart.paid.length > 3) cart.paid.shift()
  }
  const row = JSON.stringify({ user_id: event.user_id, paid_order_ids: cart.paid, unpaid_order_ids: cart.unpaid }) + '\n'
  out.push(row)
  length += row.length
  if (length > 1 << 17) flush()
})
lines.on('close', flush)
