# Steps of tests/run: each has a hard limit and a count, and finish_steps adds them up. Set step_logs
# to the folder for their output before sourcing.
# shellcheck shell=bash

: "${step_logs:?is the folder for the output of steps}"
step_passed=0 step_failed=0 step_skipped=0

# Whoever stops the run stops the step that runs.
step_running=
step_stop()
{
	trap '' TERM INT HUP
	[ -z "$step_running" ] || { kill "$step_running" && wait "$step_running"; }
	exit 143
}
trap step_stop TERM INT HUP

# Seconds of processor that the steps have used so far, in step_cpu. (In a subshell `times` knows of none.)
step_count_cpu()
{
	times >"$step_logs/times"
	step_cpu=$(awk 'NR == 2 { gsub("m", " "); gsub("s", ""); print int(60 * $1 + $2 + 60 * $3 + $4) }' \
		"$step_logs/times")
}

# step NAME SECONDS COMMAND...: runs it under a hard limit, reads its last count, shows what failed.
step()
{
	local name=$1 limit=$2 log count passed failed skipped rc started=$SECONDS cpu
	shift 2
	log=$step_logs/${name//[^a-z0-9]/-}.log
	mkdir -p "$step_logs"
	step_count_cpu
	cpu=$step_cpu
	timeout --kill-after=10 "$limit" "$@" >"$log" 2>&1 </dev/null &
	step_running=$!
	wait $step_running
	rc=$?
	step_running=
	count=$(grep -Eo '^[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$' "$log" | tail -n 1)
	read -r passed failed skipped < <(tr -dc '0-9 ' <<<"${count:-}" | tr -s ' ')
	passed=${passed:-0} failed=${failed:-0} skipped=${skipped:-0}
	if [ -z "$count" ] && [ $rc -eq 0 ]; then
		passed=1
	elif [ $rc -ne 0 ] && [ "$failed" -eq 0 ]; then
		failed=1
	elif [ "$passed" -eq 0 ] && [ "$failed" -eq 0 ] && [ "$skipped" -eq 0 ]; then
		failed=1
		echo "$name: ran no test" >>"$log"
	fi
	if [ "$skipped" -gt 0 ]; then
		grep -E '^SKIPPED' "$log"
		if [ "${CI:-}" = true ]; then
			echo "$name: nothing may be skipped where CI=true"
			failed=$((failed + skipped))
			skipped=0
		fi
	fi
	step_passed=$((step_passed + passed))
	step_failed=$((step_failed + failed))
	step_skipped=$((step_skipped + skipped))
	printf '%-22s %4d passed, %d failed' "$name" "$passed" "$failed"
	[ "$skipped" -eq 0 ] || printf ', %d SKIPPED' "$skipped"
	step_count_cpu
	printf '  (%d s, %d s of processor)\n' $((SECONDS - started)) $((step_cpu - cpu))
	if [ $rc -eq 124 ] || [ $rc -eq 137 ]; then
		echo "  stopped after $limit s: a hang is a failure"
	fi
	if [ "$failed" -gt 0 ]; then
		echo "  --- $log"
		if grep -q '^FAILED' "$log"; then
			grep -E -A12 '^FAILED' "$log" | grep -v '^ok' | head -n 80 | sed 's/^/  /'
		else
			tail -n 40 "$log" | sed 's/^/  /'
		fi
	fi
	[ "$failed" -eq 0 ]
}

finish_steps()
{
	[ $step_skipped -eq 0 ] || echo "$step_skipped skipped: not permitted on this machine, see above"
	echo "$step_passed passed, $step_failed failed"
	[ $step_failed -eq 0 ] && [ $step_passed -gt 0 ]
	exit
}
