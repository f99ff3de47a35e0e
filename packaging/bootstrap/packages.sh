# What has to be there before anything is built: system packages, node and its packages. A part of ./bootstrap.

# --- what has to be there
#
# Lines of: how to look for it, its name, the Debian packages that have it (the first is the usual
# name elsewhere, too; of A|B, in wishes, the first that can be had). Libraries are looked for as
# pkg-config modules. `either` is for programs, with commas, of which one is enough.

readonly build_needs='
program gcc gcc
header stdio.h libc6-dev
program make make
program autoconf autoconf
program automake automake
program pkg-config pkg-config
library libmicrohttpd libmicrohttpd-dev
library sqlite3 libsqlite3-dev
library jansson libjansson-dev
header fcgiapp.h libfcgi-dev
library libuv libuv1-dev
library nettle nettle-dev
library inih libinih-dev
library zlib zlib1g-dev
'

readonly check_needs='
program node nodejs
program npm npm
library cmocka libcmocka-dev
program clang clang
program mandoc mandoc
program xz xz-utils
program curl curl
program ps procps
program spin spin
'

# A web server's package would start it for the whole machine: apt_install keeps it from that.
readonly lighttpd_needs='
program lighttpd lighttpd
program setpriv util-linux
program ps procps
'

readonly apache_needs='
program apache2 apache2
file /usr/lib/apache2/modules/mod_fcgid.so libapache2-mod-fcgid
program setpriv util-linux
program ps procps
'

readonly nginx_needs='
program nginx nginx-light
program setpriv util-linux
program ps procps
'

# Without these their tests are skipped. Ubuntu has no package of Chromium, only a snap.
readonly check_wishes='
program clang-format clang-format
program strace strace
program valgrind valgrind libc6-dbg
program chromium chromium
program python3 python3
program php php-cli
program php-cgi php-cgi
files /usr/sbin/php-fpm* php-fpm
program perl perl
program dpkg-buildpackage dpkg-dev
file /usr/share/build-essential/list build-essential
program dh debhelper
program systemd-analyze systemd
program systemd-nspawn systemd-container
file /sbin/init systemd-sysv
program nsenter util-linux
program haproxy haproxy
library hiredis libhiredis-dev
either valkey-server,redis-server valkey-server|redis-server
file /usr/lib/lighttpd/mod_openssl.so lighttpd-mod-openssl
'

# The same for check-long alone.
readonly long_wishes='
program debootstrap debootstrap
'

# What `make bench` needs, and the peers that it can do without.
readonly bench_needs='
program node nodejs
program npm npm
program ps procps
'

readonly bench_wishes='
program pushpin pushpin
program websocketd websocketd
file /usr/lib/python3/dist-packages/tornado python3-tornado
file /usr/lib/nginx/modules/ngx_nchan_module.so libnginx-mod-nchan
program php php-cli
files /usr/sbin/php-fpm* php-fpm
program python3 python3
program valgrind valgrind libc6-dbg
library hiredis libhiredis-dev
either valkey-server,redis-server valkey-server|redis-server
'

readonly deb_needs='
library hiredis libhiredis-dev
program dpkg-buildpackage dpkg-dev
file /usr/share/build-essential/list build-essential
program dh debhelper
'

is_there() {
	case $1 in
	program) command -v "$2" >/dev/null ;;
	either) compgen -c | grep -qxE "${2//,/|}" ;;
	library) pkg-config --exists "$2" 2>/dev/null ;;
	header) echo "#include <$2>" | gcc -E - >/dev/null 2>&1 ;;
	file) [ -e "$2" ] ;;
	files) compgen -G "$2" >/dev/null ;;
	esac
}

# Prints the lines of a list whose thing is not there.
missing_of() {
	local how name packages
	while read -r how name packages; do
		[ -z "$how" ] || is_there "$how" "$name" || echo "$how $name $packages"
	done <<<"$1"
}

packages_of() {
	local how name packages
	while read -r how name packages; do
		printf '%s ' "$packages"
	done <<<"$1"
}

apt_knows() { [ -n "$(apt-cache madison "$1" 2>/dev/null)" ]; }

# Prints the first of A|B|... that apt knows, and fails if it knows none.
first_known() {
	local package
	for package in ${1//|/ }; do
		apt_knows "$package" && echo "$package" && return
	done
	return 1
}

as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		# The password, if one is asked for, comes from the terminal, never from a pipe.
		if [ -t 0 ]; then sudo "$@"; else sudo -n "$@"; fi
	else
		die $exit_unavailable "neither root nor sudo; as root: $*"
	fi
}

# apt LOG ARG...: in the foreground, since sudo may ask something.
apt() {
	local log=$logs/$1.log
	shift
	mkdir -p "$logs"
	as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 \
		apt-get -q -o DPkg::Lock::Timeout=300 "$@" >"$log" 2>&1
}

refresh_package_lists() {
	[ -n "${refreshed-}" ] && return
	say "reading the package lists (apt-get update)"
	if ! apt apt-update update; then
		show_end apt-update 15
		complain "apt-get update failed; trying with the lists that are there"
	fi
	refreshed=yes
}

# Daemons that come with a package are not started: Debian's tools ask policy-rc.d, which says no for
# the while (101: not allowed), unless the machine has one of its own.
readonly policy=/usr/sbin/policy-rc.d

apt_install() {
	local status ours=
	say "installing $*"
	if [ ! -e $policy ]; then
		ours=yes
		printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null
		as_root chmod 755 $policy
	fi
	apt apt-install install -y --no-install-recommends "$@"
	status=$?
	[ -z "$ours" ] || as_root rm -f $policy
	if [ $status -ne 0 ]; then
		show_end apt-install 15
		die $exit_unavailable "apt-get could not install: $*"
	fi
}

name_missing() {
	local how name packages
	complain "missing here:"
	while read -r how name packages; do
		case $how in
		library) complain "  library $name (pkg-config); Debian's package is ${packages%% *}" ;;
		header) complain "  header <$name>; Debian's package is ${packages%% *}" ;;
		file*) complain "  file $name; Debian's package is ${packages%% *}" ;;
		*) complain "  program $name; Debian's package is ${packages%% *}" ;;
		esac
	done <<<"$1"
}

# need LIST: installs what is missing of it, or says what that is and ends.
need() {
	local missing
	missing=$(missing_of "$1")
	[ -z "$missing" ] && return
	if ! command -v apt-get >/dev/null; then
		name_missing "$missing"
		die $exit_unavailable "there is no apt-get here: please install them and call this again"
	fi
	refresh_package_lists
	# Several words on purpose.
	# shellcheck disable=SC2046
	apt_install $(packages_of "$missing")
	hash -r
	missing=$(missing_of "$1")
	[ -z "$missing" ] && return
	name_missing "$missing"
	die $exit_unavailable "still missing after their packages were installed"
}

# wish LIST: installs what is missing of it and can be had.
wish() {
	local missing how name package others wanted=
	missing=$(missing_of "$1")
	[ -z "$missing" ] && return
	# What cannot be had must not cost every call an update: lists that know gcc are lists.
	apt_knows gcc || ! command -v apt-get >/dev/null || refresh_package_lists
	while read -r how name package others; do
		if package=$(first_known "$package"); then
			wanted+=" $package $others"
		else
			say "$name cannot be had here: what needs it is skipped"
		fi
	done <<<"$missing"
	[ -z "$wanted" ] && return
	refresh_package_lists
	# shellcheck disable=SC2086
	apt_install $wanted
	hash -r
}

clang_can_sanitize() {
	local program=build/sanitizer-probe
	mkdir -p build
	echo 'int main(void) { return 0; }' |
		clang -fsanitize=address,undefined -x c - -o $program >/dev/null 2>&1
	local status=$?
	rm -f $program
	return $status
}

# clang's run-time library has another name in each release.
need_clang_runtime() {
	local major package
	clang_can_sanitize && return
	major=$(clang -dumpversion)
	major=${major%%.*}
	if command -v apt-get >/dev/null; then
		refresh_package_lists
		for package in libclang-rt-"$major"-dev libclang-common-"$major"-dev; do
			if apt_knows "$package"; then
				apt_install "$package"
				clang_can_sanitize && return
			fi
		done
	fi
	die $exit_unavailable "clang $major lacks its sanitizers (Debian's package is libclang-rt-$major-dev)"
}

# --- node and its packages

node_is_new_enough() {
	local version
	version=$(node --version 2>/dev/null) || return 1
	version=${version#v}
	[ "${version%%.*}" -ge $oldest_node ]
}

# Ubuntu 22.04 has node 12, which knows no node:test: npm has newer ones, as a package. Afterwards npm
# itself is of no use: Debian's and Ubuntu's needs the node it came with.
need_new_node() {
	node_is_new_enough && return
	export PATH=$root/build/node/node_modules/node/bin:$PATH
	hash -r
	node_is_new_enough && return
	say "installing a newer node in build/node"
	must 600 npm-node npm install --prefix build/node --no-save node@20
	hash -r
	node_is_new_enough || die $exit_unavailable "node $oldest_node or later is needed for the tests"
}

# npm_packages [ARG...]: all of package.json, or what these arguments leave of it.
npm_packages() {
	local stamp=node_modules/.sockjs-fcgi want
	want="$* $(cksum <package-lock.json)"
	grep -qsxF -e "$want" $stamp && return
	say "installing npm packages"
	must 600 npm npm ci --no-audit --no-fund "$@"
	echo "$want" >$stamp
}

# What the pages load of sockjs-client and pusher-js.
need_clients() {
	packaging/find_client.sh . sockjs.min.js >/dev/null &&
		packaging/find_client.sh . pusher.min.js >/dev/null && return
	need 'program npm npm'
	npm_packages --omit=dev
}
