#!/bin/sh
# sockjs.fcgi once more. mod_fcgid tells programs apart by their files, so what clients send has
# processes of its own, which no poll occupies. suEXEC runs it by its name alone, in its folder.
case $0 in
*/*) exec "${0%/*}/sockjs.fcgi" ;;
*) exec ./sockjs.fcgi ;;
esac
