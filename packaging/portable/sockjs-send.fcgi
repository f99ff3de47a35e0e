#!/bin/sh
# sockjs.fcgi once more. mod_fcgid tells programs apart by their files, so what clients send has
# processes of its own, which no poll occupies.
exec "${0%/*}/sockjs.fcgi"
