#!/usr/bin/env bash
# Runs every fuzz target of the repository for the given time each (default 18s), as many at once
# as there are processors, and fails at the end if any failed: fuzz.sh [TIME] [NAME-PATTERN]
# Minimizing is cut short: by default it would take all the time of a slow target.
set -euo pipefail
cd "$(dirname "$0")/.."

# fuzz.sh --one TIME DIR NAME runs one target and prints what it said when it ends.
if [ "${1:-}" = --one ]; then
	time=$2 dir=$3 name=$4
	output=$(mktemp)
	trap 'rm -f "$output"' EXIT
	code=0
	go test "./$dir" -run '^$' -fuzz "^$name\$" -fuzztime "$time" -fuzzminimizetime 200x -parallel 1 </dev/null >"$output" 2>&1 || code=$?
	echo "== $dir $name"
	if [ $code = 0 ]; then
		grep -E '^fuzz: elapsed|^ok' "$output" | tail -2
		exit 0
	fi
	cat "$output"
	# Now and then Go reports the end of the time as a failure; then there is no failing input.
	if grep -q '^    context deadline exceeded$' "$output" && ! grep -q 'Failing input written' "$output"; then
		echo "   (the time was up, nothing failed)"
		exit 0
	fi
	echo "fuzz: failed: $dir $name"
	exit 1
fi

time=${1:-18s}
pattern=${2:-.}
targets=$(grep -roE '^func Fuzz[A-Za-z0-9_]*' --include='*_test.go' --exclude-dir=node_modules . |
	sed -E 's,^\./(.*)/[^/]*:func (Fuzz.*)$,\1 \2,' | grep -E "$pattern" | sort -u)
if [ -z "$targets" ]; then
	echo "fuzz: no target matches $pattern" >&2
	exit 2
fi
echo "fuzz: $(wc -l <<<"$targets") targets, $time each"
if ! xargs -P "$(nproc)" -L 1 "$0" --one "$time" <<<"$targets"; then
	echo "fuzz: a target failed, see above" >&2
	exit 1
fi
