#!/bin/sh
# Removes the folders that `make uninstall` has emptied, and the folders above them if these are
# then empty, too.
#
#     remove_empty_folders.sh DESTDIR KEEP FOLDER...
#
# KEEP is a folder that stays; it may be "". Folders that every machine has stay, too, unless there is
# a DESTDIR: that is no machine's root.

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
		# A folder that is not there was removed before. Those above it may still be there.
		if [ -d "$destdir$folder" ]; then
			rmdir "$destdir$folder" 2>/dev/null || break
		fi
		folder=$(dirname "$folder")
	done
done
exit 0
