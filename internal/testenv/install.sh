#!/bin/sh
# Installs the named programs with apt where they are missing, saying so.
# Usage: install.sh PROGRAM...
# It never starts a service: what Debian's packages would start is held back.
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
guard=/usr/sbin/policy-rc.d
made=
if [ ! -e $guard ]; then
	printf '#!/bin/sh\nexit 101\n' >$guard
	chmod 755 $guard
	made=1
fi
trap '[ -z "$made" ] || rm -f $guard' EXIT
trap 'exit 130' INT TERM
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
# shellcheck disable=SC2086 # the list is meant to be split
apt-get -qq install -y --no-install-recommends $missing >/dev/null
