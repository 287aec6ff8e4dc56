"""Workload B in Python: cart_join.py FILE"""
import json
import sys

carts = {}
with open(sys.argv[1]) as events:
  for line in events:
    event = json.loads(line)
    user_id, order_id = event['user_id'], event['order_id']
    if user_id not in carts:
      carts[user_id] = ([], [])
    paid, unpaid = carts[user_id]
    if event['type'] == 'order':
      unpaid.append(order_id)
    else:
      if order_id in unpaid:
        unpaid.remove(order_id)
      paid.append(order_id)
      if len(paid) > 3:
        paid.pop(0)
    sys.stdout.write(json.dumps({'user_id': user_id, 'paid_order_ids': paid, 'unpaid_order_ids': unpaid}) + '\n')
