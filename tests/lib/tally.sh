# Counting for checks written in bash: every check says its name and how it went, the last line
# counts them, and the exit status follows. Source it, call the functions, end with tally_end.
# shellcheck shell=bash

tally_passed=0 tally_failed=0 tally_skipped=0

pass()
{
	tally_passed=$((tally_passed + 1))
	echo "ok      $1"
}

fail()
{
	tally_failed=$((tally_failed + 1))
	echo "FAILED  $1"
}

# skip NAME WHY: loud, counted, and a failure in continuous integration (tests/run).
skip()
{
	tally_skipped=$((tally_skipped + 1))
	echo "SKIPPED $1: $2"
}

# check NAME COMMAND...: passes if the command does; its output is shown only if it does not.
check()
{
	local name=$1 output
	shift
	if output=$("$@" 2>&1 </dev/null); then
		pass "$name"
	else
		fail "$name"
		printf '%s\n' "$output" | sed 's/^/        /'
	fi
}

# check_fails NAME COMMAND...: a self-test; the command must find fault with what it is fed.
check_fails()
{
	local name=$1
	shift
	if "$@" >/dev/null 2>&1 </dev/null; then
		fail "$name"
	else
		pass "$name"
	fi
}

tally_end()
{
	if [ $((tally_passed + tally_failed + tally_skipped)) -eq 0 ]; then
		fail "no check was run"
	fi
	if [ "$tally_skipped" -gt 0 ]; then
		echo "$tally_passed passed, $tally_failed failed, $tally_skipped skipped"
	else
		echo "$tally_passed passed, $tally_failed failed"
	fi
	[ "$tally_failed" -eq 0 ]
	exit
}
