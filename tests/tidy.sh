#!/usr/bin/env bash
# The house rules that a machine can check. Prints what breaks them; exit 1 if anything does.
#
#   tests/tidy.sh            checks this repository and its release build
#   tests/tidy.sh --canary   checks a tree that breaks every rule on purpose: exit 1 if every rule
#                            noticed, 0 if one did not
set -u
cd "$(dirname "$0")/.." || exit 2
export LC_ALL=C.UTF-8
current=''

# Reads lines; each is a breach of the current rule.
breaches() {
  local line
  while IFS= read -r line; do
    [ -n "$line" ] || continue
    printf '%s: %s\n' "$current" "$line"
  done
}

rule() { current=$1; }
sources() { find "$@" -type f \( -name '*.[chly]' -o -name '*.def' \) 2>/dev/null | sort; }

# allow FOLDER PATTERN: the files of compiler/FOLDER include, of the compiler, only what matches.
allow() {
  sources "compiler/$1" | xargs -r grep -nE '^#include "' | grep -vE "#include \"($2)" | breaches
}

check_sources() {
  rule includes-go-down
  local tables='compiler\.h|ops/(op\.h|ops\.def)|io/(io\.h|connectors\.def|formats\.def)'
  allow base 'base/'
  allow front "base/|front/|$tables"
  allow middle "base/|front/|middle/|$tables"
  allow back 'base/|front/|ops/|io/|middle/|back/|compiler\.h'
  allow state 'base/|state/|flow/store\.h'
  allow test 'base/|front/|io/|middle/|test/|compiler\.h'
  allow tools 'base/|front/|ops/|io/|middle/|back/|tools/|state/state\.h|command\.h|compiler\.h'

  rule compiler-knows-no-runtime
  sources compiler | xargs -r grep -nE '^#include ["<]flow/' |
    grep -vE '^compiler/state/state\.h:[0-9]+:#include "flow/store\.h"' | breaches

  rule lmdb-only-in-store
  sources compiler runtime | xargs -r grep -nE '#include <lmdb\.h>' | grep -vE '^runtime/store[a-z_]*\.[ch]:' | breaches

  rule system-only-in-sys-posix
  sources runtime | xargs -r grep -nE \
    '#include <(unistd|fcntl|pthread|time|signal|dirent|sys/[a-z]+|poll)\.h>|\b(printf|fprintf|fopen|fwrite|perror|exit|abort)\(' |
    grep -vE '^runtime/sys_[a-z]+\.[ch]:' | grep -vE ':[0-9]+: *(\*|//|/\*)|format\(printf' | breaches

  rule atomics-only-in-queues
  sources runtime | xargs -r grep -nE '#include <stdatomic\.h>|__atomic_|__sync_' |
    grep -vE '^runtime/(worker|queue|sys_posix)\.[ch]:' | breaches

  rule one-arena
  sources compiler | xargs -r grep -nE '\b(malloc|calloc|realloc|strdup|strndup|asprintf)\(' |
    grep -vE '^compiler/base/arena\.[ch]:' | grep -vE ':[0-9]+: *(//|\*|/\*)' | breaches

  rule files-up-to-900-lines
  sources compiler runtime tests | while read -r file; do
    lines=$(wc -l <"$file")
    [ "$lines" -le 900 ] || echo "$file has $lines lines"
  done | breaches

  rule functions-up-to-70-lines
  find compiler runtime -name '*.c' 2>/dev/null | sort | xargs -r awk '
    /^[a-z_].*\) \{$/ || /^    .*\) \{$/ && open == 0 { name = $0; open = 1; start = FNR }
    /^}/ && open { if (FNR - start - 1 > 70) printf "%s:%d: %d lines: %s\n", FILENAME, start, FNR - start - 1, name; open = 0 }
    FNR == 1 { open = 0 }' | breaches

  rule lines-up-to-120-columns
  find compiler runtime -name '*.[ch]' 2>/dev/null | sort |
    xargs -r grep -nP '^.{121,}$' | cut -c1-120 | breaches

  rule no-tabs-no-trailing-blanks
  sources compiler runtime | xargs -r grep -nP '\t|[ \t]$' | cut -c1-120 | breaches

  rule no-left-over-marks
  find compiler runtime stdlib examples tests docs Makefile README.md CONTRIBUTING.md -type f 2>/dev/null |
    grep -v '^tests/tidy\.sh$' | grep -v __pycache__ |
    xargs -r grep -nIE '\b(T''ODO|F''IXME|X''XX|H''ACK)\b' | breaches

  rule no-path-of-one-machine
  find compiler runtime stdlib examples tests docs Makefile README.md CONTRIBUTING.md -type f 2>/dev/null |
    grep -v '^tests/tidy\.sh$' | grep -v __pycache__ |
    xargs -r grep -nIE '(^|[^A-Za-z.])/(work|farm|home)/|/ro''ot/' | breaches

  rule no-typedef-of-structs
  find compiler runtime -name '*.[ch]' 2>/dev/null | sort |
    xargs -r grep -nE '^typedef (struct|enum|union)[^(]*$' | breaches

  rule every-folder-has-its-tour
  for folder in compiler runtime stdlib examples tests; do
    [ -f "$folder/README.md" ] || echo "$folder/README.md is missing"
  done | breaches

  rule every-header-is-guarded
  find compiler runtime -name '*.h' 2>/dev/null | sort | while read -r file; do
    grep -qE '^#ifndef [A-Z0-9_]+_H$' "$file" || echo "$file has no include guard"
  done | breaches

  rule every-code-has-a-case
  grep -oE '^DIAG\((E|W)[0-9]{4}' compiler/base/diag.def 2>/dev/null | cut -c6- | while read -r code; do
    grep -qsF "[$code]" tests/diag/*.flow || echo "no file of tests/diag shows $code"
  done | breaches
}

# objects FOLDER: the object files of one part of the release build.
objects() { find "build/release/obj/$1" -name '*.o' 2>/dev/null | sort; }

check_objects() {
  if [ ! -f build/lib/flowcc/libflow.a ] && [ ! -d build/release/obj ]; then
    echo 'tidy: nothing is built' | breaches
    return
  fi
  rule exports-only-flow
  objects runtime | xargs -r readelf -sW 2>/dev/null |
    awk '$5 == "GLOBAL" && $6 == "DEFAULT" && $7 ~ /^[0-9]+$/ && $8 !~ /^flow_/ {
      print $8 " is visible outside of libflow" }' | breaches

  rule no-mutable-globals
  objects . | while read -r object; do
    objdump -t "$object" | awk -v file="$object" '
      $0 ~ / O (\.data|\.bss|\.tdata|\.tbss|\.data\.rel|\.data\.rel\.local|COMMON)\t/ {
        print file ": " $NF " can be changed" }'
  done | breaches

  rule generated-names-exist
  if [ -f compiler/back/abi_names.def ]; then
    grep -oE '\bflow_[a-z0-9_]+|\bFLOW_[A-Z0-9_]+' compiler/back/abi_names.def | sort -u | while read -r name; do
      grep -qsrwF "$name" runtime/include/flow || echo "runtime/include/flow has no $name"
    done | breaches
  fi
}

make_bad_tree() {
  mkdir -p compiler/base compiler/front runtime tests/diag build/release/obj/runtime compiler/back runtime/include/flow
  {
    printf '#include "front/ast.h"\n#include "flow/flow.h"\n#include <lmdb.h>\n'
    printf 'typedef struct x x;\nvoid *p(void) {\n'
    for _ in $(seq 80); do echo '  malloc(1);'; done
    printf '}\n// T''ODO\n// /wo''rk/x\n\t\n// %0130d\n' 0
    for _ in $(seq 900); do echo; done
  } >compiler/base/bad.c
  echo 'int x;' >compiler/base/bad.h
  echo 'DIAG(E9999, "x", "x")' >compiler/base/diag.def
  printf '#include <unistd.h>\n#include <stdatomic.h>\nint counter = 1; int public(void) { return counter; }\n' >runtime/bad.c
  printf 'int counter = 1; int public(void) { return counter; }\n' | "${CC:-cc}" -xc -c -o build/release/obj/runtime/bad.o -
  echo 'NAME(flow_nowhere)' >compiler/back/abi_names.def
}

if [ "${1:-}" = --canary ]; then
  script=$PWD/tests/tidy.sh
  rules=$(grep -oE '^ +rule [a-z0-9-]+$' "$script" | awk '{print $2}')
  tree=$(mktemp -d)
  trap 'rm -rf "$tree"' EXIT
  cd "$tree" || exit 0
  make_bad_tree
  output=$(check_sources; check_objects)
  for name in $rules; do
    printf '%s\n' "$output" | grep -q "^$name: " || { echo "the rule $name notices nothing"; exit 0; }
  done
  echo 'every rule noticed its breach'
  exit 1
fi

output=$(check_sources; check_objects)
[ -z "$output" ] && exit 0
printf '%s\n' "$output"
printf '%s breaches of the house rules\n' "$(printf '%s\n' "$output" | wc -l)"
exit 1
