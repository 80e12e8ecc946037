#!/usr/bin/env bash
# Installs what the tests need beyond Go: the npm packages of the test programs, from their
# lockfiles, and a browser. Does nothing where everything is there.
set -euo pipefail
cd "$(dirname "$0")"

install_chromium() {
	if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
		echo "setup: no chromium found; install it (Debian: apt-get install chromium) for the browser tests" >&2
		return 1
	fi
	echo "setup: installing chromium" >&2
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null
}

# A lockfile that is older than what was installed from it needs no second installation.
install_packages() {
	local dir=$1
	if [ "$dir/node_modules/.package-lock.json" -nt "$dir/package-lock.json" ]; then return; fi
	echo "setup: npm packages of test/$dir" >&2
	(cd "$dir" && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --no-audit --no-fund --ignore-scripts --loglevel=error)
}

for lock in */package-lock.json; do
	if [ -e "$lock" ]; then install_packages "$(dirname "$lock")"; fi
done
if [ -d browser ] && [ -z "$(command -v chromium chromium-browser google-chrome || true)" ]; then
	install_chromium
fi
