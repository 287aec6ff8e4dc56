#!/usr/bin/env bash
# Installs the packages that are missing, and says which and why.
#
#   tests/setup.sh build    what `make` and compiled flows need
#   tests/setup.sh test     that, and what the tests need
#   tests/setup.sh all      that, and what `make check-all` needs
#   tests/setup.sh fuzz     that, and what `make fuzz` needs
#   tests/setup.sh bench    what `make` and `make bench` need
#
# Nothing is installed when nothing is missing. Uses apt-get, with sudo only where it is needed.
set -eu

level=${1:-build}
compiler=${CC:-cc}
compiler=${compiler%% *}
missing=''

# need PACKAGE WHY COMMAND…: the package is missing if the command fails.
need() {
  local package=$1 why=$2
  shift 2
  if ! "$@" >/dev/null 2>&1; then
    printf '  %-16s %s\n' "$package" "$why"
    missing="$missing $package"
  fi
}

# has_header HEADER [INCLUDE-BEFORE…]: the C compiler finds the header.
has_header() {
  local header
  for header in "$@"; do printf '#include <%s>\n' "$header"; done | "$compiler" -fsyntax-only -xc -
}

find_missing() {
  need gcc 'compiles flowcc and the programs that it writes' command -v "$compiler"
  need libc6-dev 'the C library to compile against' has_header stdio.h
  need make 'runs the build' command -v make
  need flex 'makes the scanner of flowcc' command -v flex
  need bison 'makes the parser of flowcc' bison --version
  need liblmdb-dev 'the database in which a flow keeps its state' has_header lmdb.h
  need libxxhash-dev 'the hash function of keyed state' has_header xxhash.h
  need libcurl4-openssl-dev 'the headers for backups to S3' has_header curl/curl.h
  [ "$level" = build ] && return
  need python3 'the runners of tests and benchmarks' command -v python3
  if [ "$level" = bench ]; then
    need valgrind 'counts the instructions of the benchmarks' command -v valgrind
    return
  fi
  need libcmocka-dev 'the unit tests' \
    has_header stdarg.h stddef.h stdint.h setjmp.h cmocka.h
  need libjansson4 "a second opinion on JSON, beside Python's" \
    python3 -c 'import ctypes; ctypes.CDLL("libjansson.so.4")'
  need strace 'shows the tests in which order files reach the disk' command -v strace
  [ "$level" = test ] && return
  need clang 'the second compiler of make check-all, and libFuzzer' command -v clang
  [ "$level" = all ] && return
  need afl++ 'the second fuzzer of make fuzz' command -v afl-fuzz
}

# s3rver, an S3 server for the tests of backups, comes from npm into build/tools. Without it they are
# skipped, so it is no failure if it cannot be had.
install_s3rver() {
  local tools
  tools=$(dirname "$0")/../build/tools
  if [ "$level" != test ] && [ "$level" != all ]; then return; fi
  if [ -e "$tools/node_modules/.bin/s3rver" ] || ! command -v npm >/dev/null 2>&1; then return; fi
  echo "Installing s3rver, an S3 server for the tests: npm install s3rver@3.7.1"
  npm install --prefix "$tools" --silent --no-audit --no-fund s3rver@3.7.1 >/dev/null 2>&1 ||
    echo "npm could not install it; the tests that need it will be skipped."
}

install_s3rver
echo_missing=$(find_missing)
[ -n "$echo_missing" ] || exit 0
echo 'flowcc needs packages that are not installed here:'
find_missing

if ! command -v apt-get >/dev/null 2>&1; then
  echo "This system has no apt-get. Install the above with its own package manager, then try again."
  exit 1
fi
as_root=''
if [ "$(id -u)" != 0 ]; then
  if ! command -v sudo >/dev/null 2>&1; then
    echo "Run as root:  apt-get install -y --no-install-recommends$missing"
    exit 1
  fi
  as_root=sudo
fi
echo "Installing them: ${as_root:+$as_root }apt-get install -y --no-install-recommends$missing"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# shellcheck disable=SC2086 # the package names are words on purpose
if ! { $as_root apt-get update && $as_root apt-get install -y --no-install-recommends $missing; } \
    >"$log" 2>&1; then
  tail -n 20 "$log"
  echo "apt-get failed (its last lines are above)."
  exit 1
fi
left=$(missing='' && find_missing)
if [ -n "$left" ]; then
  echo "Still missing after the installation:"
  echo "$left"
  exit 1
fi
echo 'Done.'
