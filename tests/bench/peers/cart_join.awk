# Workload B in awk, for records in exactly the form of the input: awk -f cart_join.awk FILE
BEGIN { FS = "\"" }
{
  user = $4
  id = substr($11, 3, length($11) - 3)
  if ($8 == "order") {
    unpaid[user] = unpaid[user] == "" ? id : unpaid[user] ", " id
  } else {
    count = split(unpaid[user], ids, ", ")
    rest = ""
    found = 0
    for (i = 1; i <= count; i++)
      if (!found && ids[i] == id) found = 1
      else rest = rest == "" ? ids[i] : rest ", " ids[i]
    unpaid[user] = rest
    if (paid_count[user] == 3) sub(/^[0-9]+, /, "", paid[user])
    else paid_count[user]++
    paid[user] = paid[user] == "" ? id : paid[user] ", " id
  }
  print "{\"user_id\": \"" user "\", \"paid_order_ids\": [" paid[user] "], \"unpaid_order_ids\": [" unpaid[user] "]}"
}
