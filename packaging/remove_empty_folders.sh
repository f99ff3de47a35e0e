#!/bin/sh
# Removes the folders that `make uninstall` has emptied, and those above them that are empty then.
#
#     remove_empty_folders.sh DESTDIR KEEP FOLDER...
#
# KEEP, if it is not empty, is a folder that stays. Folders that every machine has stay, empty or not; below DESTDIR, which is nobody's machine, none does.

destdir=$1
keep=$2
shift 2

is_part_of_the_system() {
	[ -z "$destdir" ] || return 1
	case $1 in
	/* ) ;;
	*) return 0 ;;
	esac
	case ${1#/usr/local} in
	'' | /bin | /sbin | /lib | /libexec | /include | /share | /etc | /share/man) return 0 ;;
	esac
	case ${1#/usr} in
	/bin | /sbin | /lib | /libexec | /include | /share | /share/doc | /local) return 0 ;;
	esac
	case $1 in
	/ | /usr | /etc | /opt | /run | /var | /var/lib | /home | /root | /tmp) return 0 ;;
	esac
	return 1
}

for folder; do
	while [ "$folder" != / ] && [ "$folder" != "$keep" ] && ! is_part_of_the_system "$folder"; do
		# One that is not there has been removed already, and so perhaps not those above it.
		if [ -d "$destdir$folder" ]; then
			rmdir "$destdir$folder" 2>/dev/null || break
		fi
		folder=$(dirname "$folder")
	done
done
exit 0
