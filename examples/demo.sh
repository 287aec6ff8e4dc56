#!/usr/bin/env bash
# A flow meets a bad line, stops, is repaired and goes on where it stopped. Each step is checked: when
# something differs from what is said here, the demo stops with an error.
set -u

here=$(cd "$(dirname "$0")" && pwd)
flowcc=$(realpath "${FLOWCC:-$here/../build/flowcc}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$here"/cart_join/*.flow "$here"/cart_join/*.json "$here"/cart_join/expected-*.txt "$work"
cd "$work" || exit 1

say() { printf '\n== %s\n' "$*"; }

wrong() {
  printf '\nThe demo went wrong: %s\n' "$*" >&2
  exit 1
}

# run EXPECTED-EXIT-CODE EXPECTED-STDOUT COMMAND…: shows the command and what it prints, and checks both.
run() {
  local wanted=$1 expected=$2 code word
  shift 2
  printf '\n$'
  for word in "$@"; do
    case $word in
    *[!A-Za-z0-9./_-]*) printf " '%s'" "$word" ;;
    *) printf ' %s' "$word" ;;
    esac
  done
  printf '\n'
  "$@" >stdout 2>stderr
  code=$?
  cat stdout stderr
  [ "$code" = "$wanted" ] || wrong "exit code $code instead of $wanted"
  printf '(exit code %s)\n' "$code"
  cmp -s "$expected" stdout || { diff "$expected" stdout; wrong 'it printed something else'; }
}

PATH=$(dirname "$flowcc"):$PATH

say 'The program: which orders of each customer have been paid?'
cat cart_join.flow
say 'Its input has eight lines, and line 6 is broken:'
cat -n cart-join.json

say 'Compile it to a program of its own, and run it with a directory for its state.'
run 0 /dev/null flowcc cart_join.flow -o cart_join
[ -x cart_join ] || wrong 'there is no program'
run 65 expected-before.txt ./cart_join -d db
grep -q 'cart-join.json:6:1' stderr || wrong 'the message does not name the place'
say 'Five lines are done and saved. It stopped at the broken line, before anything got lost.'

say 'Repair the program: it may skip such lines. The state stays.'
diff cart_join.flow cart_join_skip.flow | grep '^[<>] source'
run 0 /dev/null flowcc cart_join_skip.flow -o cart_join
run 0 expected-after.txt ./cart_join -d db
say 'Only the two lines behind the broken one were printed. Order 1 of user a, seen in the first run,'
echo '   is remembered: its payment moved it from "unpaid" to "paid".'

say 'Run again: nothing new, so nothing is printed.'
run 0 /dev/null ./cart_join -d db

say 'Or repair the input instead, with a fresh state directory and the first program:'
run 0 /dev/null flowcc cart_join.flow -o cart_join
run 65 expected-before.txt ./cart_join -d db2
run 0 /dev/null sed -i '/^FAIL HERE$/d' cart-join.json
run 0 expected-after.txt ./cart_join -d db2
say 'That was all. The program, its input and a README are in examples/cart_join.'
