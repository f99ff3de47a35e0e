# Runs the tests, and reports on them. A part of ./bootstrap.

passed=0
failed=0
skipped=0
problems=()
skips=()

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

# run_suite NAME DIR SECONDS: make check in DIR, counted and told.
run_suite() {
	local name=$1 dir=$2 limit=$3 status line begun=$SECONDS ok bad out
	say "running the tests ($name)"
	rm -f "$dir/test-suite.log"
	find "$dir/tests" \( -name '*.log' -o -name '*.trs' \) -delete
	# Most tests wait most of the time.
	quietly "$limit" "check-$name" make -C "$dir" -j$((jobs * 2)) check measuring_tests=
	status=$?
	if [ "$name" = gcc ]; then
		quietly "$limit" "measure-$name" make -C "$dir" check-measuring || status=$?
	fi
	if [ ! -f "$dir/test-suite.log" ]; then
		show_end "check-$name"
		problem "$name: make check ended with status $status before its tests did"
		return
	fi
	if [ "$(count_of "$dir" FAIL XPASS ERROR)" -gt 0 ]; then
		run_again "$name" "$dir"
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
		problem "$name: make check ended with status $status"
	elif [ $((ok + out)) -eq 0 ]; then
		problem "$name: no test ran"
	fi
}

# Several test programs run at a time, and some of what they look at is a matter of milliseconds: a program with a
# failure gets a second run, alone. What failed first is told all the same; what fails again counts.
run_again() {
	local name=$1 dir=$2 line
	say "  run again, one at a time, after failures ($name):"
	results_of "$dir" 'FAIL|XPASS|ERROR' | sed 's/^/    /'
	mkdir -p "$logs/first-$name"
	find "$dir/tests" -name '*.log' -exec grep -lE '^(FAIL|XPASS|ERROR): ' {} + | while read -r line; do
		cp "$line" "$logs/first-$name/"
	done
	quietly "$again_limit" "recheck-$name" make -C "$dir" -j1 recheck
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

build_sanitized() {
	must 120 distdir make distdir distdir=$copy
	# Results of the first build are no sources; make would take these tests for done.
	find $copy/tests \( -name '*.log' -o -name '*.trs' \) -delete
	mkdir -p $sanitized
	if [ ! -f $sanitized/Makefile ]; then
		must 300 configure-sanitize env -C $sanitized "$root/$copy/configure" \
			CC=clang --enable-sanitize --enable-werror
	fi
	must 600 make-sanitize make -C $sanitized -j"$jobs"
}

# What a release is made of: it builds and installs from its own files alone. Tests ran already.
check_release() {
	say "trying a release (make distcheck)"
	quietly 600 distcheck make -j"$jobs" distcheck TESTS= && return
	show_end distcheck
	problem "make distcheck failed"
}

check() {
	trap sum_up EXIT
	need "$build_needs"
	need "$check_needs$lighttpd_needs$apache_needs$nginx_needs"
	wish "$check_wishes"
	need_clang_runtime
	npm_packages check
	need_new_node
	export NODE_PATH=$root/node_modules
	say "building (gcc)"
	build_tree CC=gcc --enable-werror
	assemble_page
	run_suite gcc . $suite_limit
	say "building (clang, sanitized)"
	build_sanitized
	run_suite sanitized $sanitized $suite_limit
	check_release
}
