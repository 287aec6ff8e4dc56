# Workload B in jq: jq -nc -f cart_join.jq FILE
foreach inputs as $event ({};
  $event.user_id as $user | $event.order_id as $id
  | .row = (.carts[$user] // {user_id: $user, paid_order_ids: [], unpaid_order_ids: []})
  | if $event.type == "order" then .row.unpaid_order_ids += [$id]
    else
      (.row.unpaid_order_ids | index($id)) as $at
      | (if $at == null then . else del(.row.unpaid_order_ids[$at]) end)
      | .row.paid_order_ids = (.row.paid_order_ids + [$id])[-3:]
    end
  | .carts[$user] = .row;
  .row)
