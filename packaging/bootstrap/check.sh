# Runs the tests, and reports on them. A part of ./bootstrap.

passed=0
failed=0
skipped=0
problems=()
skips=()
retried=() # what failed at first, and passed when it ran again

problem() {
	complain "$*"
	problems+=("$*")
	failed=$((failed + 1))
}

# Always the last thing that is printed, whatever happened before.
sum_up() {
	local status=$?
	trap '' INT TERM HUP
	end_child
	end_builder
	if [ $status -ne 0 ] && [ $failed -eq 0 ]; then
		problem "the check ended early, with status $status"
	fi
	if [ ${#skips[@]} -gt 0 ]; then
		say "skipped:"
		printf '%s\n' "${skips[@]}" | sort | uniq -c | sed -E 's/^ *([0-9]+) /    \1 x /; s/^    1 x /    /'
	fi
	if [ ${#problems[@]} -gt 0 ]; then
		say "failed:"
		printf '    %s\n' "${problems[@]}"
	fi
	if [ ${#retried[@]} -gt 0 ]; then
		say "a second run was needed, in which these passed:"
		printf '    %s\n' "${retried[@]}"
	fi
	echo "$passed passed, $failed failed, $skipped skipped"
	[ $status -ne 0 ] || status=$((failed > 0))
	exit $status
}

# count_of DIR KIND...: how many results of these kinds automake has noted, a line each, beside each test's log.
count_of() {
	local dir=$1 kinds
	shift
	kinds=$(IFS='|'; echo "$*")
	find "$dir/tests" -name '*.trs' -exec cat {} + | grep -cE "^:test-result: ($kinds)( |\$)"
}

# The lines in which automake's TAP driver repeats results: `SKIP: tests/e2e/x.test.js 3 - name # SKIP reason`.
results_of() {
	local dir=$1 kinds=$2
	find "$dir/tests" -name '*.log' -exec sed -nE "s/^($kinds): //p" {} +
}

# run_suite NAME DIR SECONDS AT_ONCE TARGET [VARIABLE=VALUE...]: make TARGET in DIR, so many programs at a time,
# counted and told.
run_suite() {
	local name=$1 dir=$2 limit=$3 at_once=$4 target=$5 status line begun=$SECONDS ok bad out
	shift 5
	say "running the tests ($name)"
	rm -f "$dir/test-suite.log"
	find "$dir/tests" \( -name '*.log' -o -name '*.trs' \) -delete
	quietly "$limit" "check-$name" make -C "$dir" -j"$at_once" "$target" "$@"
	status=$?
	if [ ! -f "$dir/test-suite.log" ]; then
		show_end "check-$name"
		problem "$name: make $target ended with status $status before its tests did"
		return
	fi
	if [ "$target" = check ] && [ "$(count_of "$dir" FAIL XPASS ERROR)" -gt 0 ]; then
		run_again "$name" "$dir" "$limit" "$@"
		status=$?
	fi
	ok=$(count_of "$dir" PASS XFAIL)
	bad=$(count_of "$dir" FAIL XPASS ERROR)
	out=$(count_of "$dir" SKIP)
	passed=$((passed + ok))
	skipped=$((skipped + out))
	while read -r line; do
		[ -n "$line" ] && skips+=("$line")
	done < <(results_of "$dir" SKIP)
	say "  $ok passed, $bad failed, $out skipped ($name, $((SECONDS - begun)) s)"
	if [ $bad -gt 0 ]; then
		show_failures "$name" "$dir"
		failed=$((failed + bad))
	elif [ $status -ne 0 ]; then
		show_end "check-$name"
		problem "$name: make $target ended with status $status"
	elif [ $((ok + out)) -eq 0 ]; then
		problem "$name: no test ran"
	fi
}

# A program with a failure gets a second run, alone: that tells what only fails beside others. What fails again counts.
# What passes then is told in the last lines all the same, and is a fault of its test.
run_again() {
	local name=$1 dir=$2 limit=$3 line first again
	shift 3
	first=$(results_of "$dir" 'FAIL|XPASS|ERROR')
	say "  run again, one at a time, after failures ($name):"
	sed 's/^/    /' <<<"$first"
	mkdir -p "$logs/first-$name"
	find "$dir/tests" -name '*.log' -exec grep -lE '^(FAIL|XPASS|ERROR): ' {} + | while read -r line; do
		cp "$line" "$logs/first-$name/"
	done
	quietly "$limit" "recheck-$name" make -C "$dir" -j1 recheck "$@"
	local status=$?
	again=$(results_of "$dir" 'FAIL|XPASS|ERROR')
	while read -r line; do
		grep -qxF -e "$line" <<<"$again" || retried+=("$name: $line")
	done <<<"$first"
	return $status
}

show_failures() {
	local name=$1 dir=$2 line file
	while read -r line; do
		problems+=("$name: $line")
	done < <(results_of "$dir" 'FAIL|XPASS|ERROR')
	find "$dir/tests" -name '*.log' -exec grep -lE '^(FAIL|XPASS|ERROR): ' {} + | while read -r file; do
		complain "from $file:"
		grep -E -A 16 '^(not ok|Bail out)' "$file" | grep -vE '^(PASS|SKIP): ' | head -n 60 | sed 's/^/    /' >&2
	done
}

# --- the second build
#
# It is one of a release's files alone. That they install, too, install.test.js shows. It is made while
# the tests of the first one run, of what they leave of the processors.

builder=

end_builder() {
	[ -n "$builder" ] || return 0
	kill -TERM "$builder" 2>/dev/null
	wait "$builder" 2>/dev/null
	builder=
}

build_sanitized() {
	local quick_linker=
	! command -v ld.lld >/dev/null || quick_linker=-fuse-ld=lld # a sanitizer goes into each of 200 programs
	mkdir -p $sanitized
	if [ ! -f $sanitized/Makefile ]; then
		must $suite_limit configure-sanitize nice env -C $sanitized "$root/$copy/configure" \
			CC=clang CFLAGS="-gline-tables-only -O1" --enable-sanitize --enable-werror ${quick_linker:+"LDFLAGS=$quick_linker"}
	fi
	must $suite_limit make-sanitize nice make -C $sanitized -j"$jobs"
	must $suite_limit make-sanitize-tests nice make -C $sanitized -j"$jobs" check TESTS=
}

begin_sanitized() {
	must 120 distdir make distdir distdir=$copy
	# Results of the first build are no sources; make would take these tests for done.
	find $copy/tests \( -name '*.log' -o -name '*.trs' \) -delete
	(
		child=
		trap end_child EXIT
		trap 'exit 143' INT TERM HUP
		build_sanitized
	) &
	builder=$!
}

await_sanitized() {
	local status
	wait "$builder"
	status=$?
	builder=
	[ $status -eq 0 ] || exit $status
}

# What the tests need is more than what they test: who starts them is told before anything comes.
say_what_comes() {
	local missing
	missing=$(missing_of "$1")
	[ -z "$missing" ] || say "the tests need, and apt-get is to install: $(packages_of "$missing")"
	[ -d node_modules ] || say "npm is to install into node_modules/: what package.json names"
}

# prepare_check [WISHES]: what else the tests can use.
prepare_check() {
	local needs=$build_needs$check_needs$lighttpd_needs$apache_needs$nginx_needs
	local wishes=$check_wishes${1-}
	trap sum_up EXIT
	say_what_comes "$needs$wishes"
	need "$needs"
	wish "$wishes"
	need_clang_runtime
	npm_packages
	need_new_node
	export NODE_PATH=$root/node_modules
	say "building (gcc)"
	build_tree CC=gcc --enable-werror
	assemble_page
}

check() {
	prepare_check
	begin_sanitized
	# Most tests wait most of the time. What the second build runs is left out of the first.
	# shellcheck disable=SC2016 # make's variables
	run_suite gcc . $suite_limit $((jobs * 3)) check 'TESTS=$(once_tests)' 'check_PROGRAMS=$(tools)'
	say "building (clang, sanitized)"
	await_sanitized
	run_suite sanitized $sanitized $suite_limit $((jobs * 4)) check
}

# What takes long, and nothing else.
check_long() {
	prepare_check "$long_wishes"
	run_suite long . $long_limit $((jobs * 2)) check-long
}

# Measures; words: of bench/run.js.
bench() {
	need "$build_needs$bench_needs$lighttpd_needs$apache_needs$nginx_needs"
	wish "$bench_wishes"
	npm_packages
	need_new_node
	must 600 npm-bench npm ci --no-audit --no-fund --prefix bench/peers
	say "building"
	build_tree
	make bench ARGS="$*"
}
