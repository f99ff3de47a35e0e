#!/bin/sh
# Builds the Debian packages from a configured tree, and prints their paths.
#
#     packaging/build_deb.sh BUILDDIR FOLDER
#
# configure must have run in BUILDDIR. The packages are built in FOLDER, from a copy of what a
# release contains. They stay there, and the copy is removed. dpkg-dev, debhelper and the libraries
# of debian/control must be installed.

set -e

builddir=$1
mkdir -p "$2"
folder=$(cd "$2" && pwd)
copy=$folder/sockjs-fcgi

rm -rf "$copy" "$folder"/*.deb
make -s -C "$builddir" distdir "distdir=$copy" >&2
cd "$copy"
env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL DEB_BUILD_OPTIONS="${DEB_BUILD_OPTIONS:+$DEB_BUILD_OPTIONS }noautodbgsym parallel=$(nproc)" \
	dpkg-buildpackage -b -us -uc >"$folder/log" 2>&1 || {
	tail -n 40 "$folder/log" >&2
	exit 1
}
cd "$folder"
rm -rf "$copy" "$folder"/*.changes "$folder"/*.buildinfo
ls "$folder"/*.deb
