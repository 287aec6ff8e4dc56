"""Workload B on Bytewax: python -m bytewax.run "bytewax_cart_join:flow('FILE')" """
import json

import bytewax.operators as op
from bytewax.connectors.files import FileSource
from bytewax.connectors.stdio import StdOutSink
from bytewax.dataflow import Dataflow


def update(cart, event):
  if cart is None:
    cart = ([], [])
  paid, unpaid = cart
  order_id = event['order_id']
  if event['type'] == 'order':
    unpaid.append(order_id)
  else:
    if order_id in unpaid:
      unpaid.remove(order_id)
    paid.append(order_id)
    if len(paid) > 3:
      paid.pop(0)
  row = {'user_id': event['user_id'], 'paid_order_ids': paid, 'unpaid_order_ids': unpaid}
  return cart, json.dumps(row)


def flow(path):
  cart_join = Dataflow('cart_join')
  lines = op.input('lines', cart_join, FileSource(path))
  events = op.map('parse', lines, json.loads)
  keyed = op.key_on('key', events, lambda event: event['user_id'])
  carts = op.stateful_map('carts', keyed, update)
  rows = op.map('row', carts, lambda pair: pair[1])
  op.output('out', rows, StdOutSink())
  return cart_join
