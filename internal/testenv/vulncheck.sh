#!/bin/sh
# Runs govulncheck; where its database cannot be reached it says "not run",
# and only then it does not fail.
set -u
db=${GOVULNDB:-https://vuln.go.dev}
out=$(${GO:-go} tool govulncheck ./... 2>&1)
status=$?
case $status:$out in
0:*) printf '%s\n' "$out" ;;
*"fetching vulnerabilities"* | *"dial tcp"* | *"no such host"* | *"Forbidden"*)
	echo "govulncheck: not run ($db cannot be reached)" ;;
*)
	printf '%s\n' "$out"
	exit $status ;;
esac
