#!/bin/sh
# Installs the named programs with apt where they are missing, saying so.
# Usage: install.sh PROGRAM...
# It never starts a service: what Debian's packages would start is held back by
# policy-rc.d (see invoke-rc.d(8)), for as long as apt is at work.
set -eu

package() {
	case $1 in
	systemd-analyze | systemd-sysusers | systemd-tmpfiles) echo systemd ;;
	testssl) echo testssl.sh ;;
	aws) echo awscli ;;
	diff) echo diffutils ;;
	*) echo "$1" ;;
	esac
}

PATH=$PATH:/usr/sbin:/sbin
missing=
for program; do
	command -v "$program" >/dev/null 2>&1 || missing="$missing $(package "$program")"
done

# A run that was killed leaves its policy-rc.d, and services would not start
# any more: the next run, whatever it is for, takes away what carries our mark.
guard=${POLICY_RC_D:-/usr/sbin/policy-rc.d} # a variable for the test's sake
mark='# for the time of one run of install.sh, process'
process=$(sed -n "s/^$mark //p" "$guard" 2>/dev/null) || true
if [ -n "$process" ] && [ -w "$guard" ] && ! kill -0 "$process" 2>/dev/null; then
	rm -f "$guard"
fi

[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
	echo "install.sh: please install:$missing (this script knows apt only)" >&2
	exit 1
fi
if [ "$(id -u)" != 0 ]; then
	echo "install.sh: needs root to install:$missing" >&2
	echo "hint: sudo $0 $*" >&2
	exit 1
fi

echo "installing with apt:$missing" >&2
made=
trap '[ -z "$made" ] || rm -f "$guard" "$guard.new"' EXIT
trap 'exit 130' HUP INT QUIT TERM
if [ ! -e "$guard" ]; then
	made=1
	printf '#!/bin/sh\n%s %s\nexit 101\n' "$mark" $$ >"$guard.new"
	chmod 755 "$guard.new"
	mv "$guard.new" "$guard"
fi
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
# shellcheck disable=SC2086 # the list is meant to be split
apt-get -qq install -y --no-install-recommends $missing >/dev/null
