#!/usr/bin/env bash
# Runs every fuzz target of the repository for the given time each (default 18s), one after
# the other, and fails at the end if any failed: fuzz.sh [TIME] [NAME-PATTERN]
# Minimizing is cut short: by default it would take all the time of a slow target.
set -euo pipefail
cd "$(dirname "$0")/.."
time=${1:-18s}
pattern=${2:-.}

targets=$(grep -roE '^func Fuzz[A-Za-z0-9_]*' --include='*_test.go' --exclude-dir=node_modules . |
	sed -E 's,^\./(.*)/[^/]*:func (Fuzz.*)$,\1 \2,' | grep -E "$pattern" | sort -u)
if [ -z "$targets" ]; then
	echo "fuzz: no target matches $pattern" >&2
	exit 2
fi
echo "fuzz: $(wc -l <<<"$targets") targets, $time each"
failed=()
output=$(mktemp)
trap 'rm -f "$output"' EXIT
while read -r dir name; do
	echo "== $dir $name"
	if go test "./$dir" -run '^$' -fuzz "^$name\$" -fuzztime "$time" -fuzzminimizetime 200x </dev/null 2>&1 | tee "$output"; then
		continue
	fi
	# Now and then Go reports the end of the time as a failure; then there is no failing input.
	if grep -q '^    context deadline exceeded$' "$output" && ! grep -q 'Failing input written' "$output"; then
		echo "   (the time was up, nothing failed)"
		continue
	fi
	failed+=("$dir $name")
done <<<"$targets"
if [ ${#failed[@]} -gt 0 ]; then
	printf 'fuzz: failed: %s\n' "${failed[@]}" >&2
	exit 1
fi
