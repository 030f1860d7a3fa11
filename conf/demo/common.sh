# What up, tour and down share: where the demo lives, and how one of its nodes starts and stops.
# shellcheck shell=bash
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

demo=${DEMO_DIR:-build/demo}
first_port=${DEMO_PORT:-7421}
bin=$PWD/build/release
export XDG_STATE_HOME=$PWD/$demo/state
members=(shanghai jiangsu zhejiang anhui office)
# shellcheck disable=SC2034 # up uses it
declare -A names=([shanghai]=上海 [jiangsu]=江苏 [zhejiang]=浙江 [anhui]=安徽 [office]=区域合作办公室)

port_of()
{
	local i
	for i in "${!members[@]}"; do
		[ "${members[i]}" != "$1" ] || echo $((first_port + i))
	done
}

# A Unix socket's path has at most 107 bytes; where the checkout lies too deep, sockets live elsewhere.
make_sockets_folder()
{
	local here=$PWD/$demo/sockets
	if [ ${#here} -le 90 ]; then
		mkdir -p "$here"
		echo "$here" >"$demo/sockets.path"
	elif [ ! -s "$demo/sockets.path" ]; then
		mktemp -d "${XDG_RUNTIME_DIR:-/tmp}/deltad-demo-XXXXXX" >"$demo/sockets.path"
	fi
}

socket_of()
{
	echo "$(cat "$demo/sockets.path")/$1"
}

# ctl MEMBER ARGUMENT...: deltactl on that member's node, without an operator's key.
ctl()
{
	local member=$1
	shift
	"$bin/deltactl" --node "$(socket_of "$member")" "$@"
}

# as_operator MEMBER ARGUMENT...: the same, signing as the member's operator.
as_operator()
{
	ctl "$@" --as "$demo/$1/operator.key"
}

# show MEMBER ARGUMENT...: the command as one would type it at that office, and what a person sees: a
# terminal's form even where the output is a file (script is part of every Debian), if there are terminals at all.
show()
{
	local member=$1 command
	shift
	echo "$member\$ deltactl $*"
	if [ -t 1 ] || ! script -qec true /dev/null </dev/null >/dev/null 2>&1; then
		ctl "$member" "$@"
	else
		command=$(printf '%q ' "$bin/deltactl" --color=never --node "$(socket_of "$member")" "$@")
		script -qec "$command" /dev/null </dev/null | tr -d '\r'
	fi
}

# write_conf MEMBER [cut]: cut = it listens where nobody looks and dials where nobody listens.
write_conf()
{
	local member=$1 port peer home
	home=$PWD/$demo/$member
	port=$(port_of "$member")
	[ "${2:-}" != cut ] || port=$((port + ${#members[@]}))
	{
		cat <<-END
			node {
				member = "$member"
				data_dir = "$home/data"
				mark_file = "$home/mark/head"
				cluster_id = "sha256:$(cat "$demo/cluster-id")"
				listen = "127.0.0.1:$port"
				control = "$(socket_of "$member")"
			}
			keys {
				log = "$home/keys/log.key"
				cosign = "$home/keys/cosign.key"
				noise = "$home/keys/noise.key"
			}
			limits {
				min_free_percent = 0
			}
		END
		if [ "${2:-}" = cut ]; then
			for peer in "${members[@]}"; do
				[ "$peer" = "$member" ] || echo "peer \"$peer\" { address = \"127.0.0.1:1\" }"
			done
		fi
	} >"$home/deltad.conf"
}

# The process of a member's node, if it runs and is really ours.
pid_of()
{
	local pid
	pid=$(cat "$demo/$1/pid" 2>/dev/null) || return 1
	[[ $(readlink "/proc/$pid/exe" 2>/dev/null) == "$bin/deltad"* ]] || return 1
	tr '\0' '\n' <"/proc/$pid/cmdline" | grep -qxF "$PWD/$demo/$1/deltad.conf" || return 1
	echo "$pid"
}

start_node()
{
	local member=$1 i
	! pid_of "$member" >/dev/null || return 0
	setsid "$bin/deltad" -c "$PWD/$demo/$member/deltad.conf" >>"$demo/$member/log" 2>&1 </dev/null &
	echo $! >"$demo/$member/pid"
	for ((i = 0; i < 100; i++)); do
		! ctl "$member" status >/dev/null 2>&1 || return 0
		sleep 0.1
	done
	echo "the node of $member does not answer; the end of $demo/$member/log:" >&2
	tail -n 5 "$demo/$member/log" >&2
	return 1
}

stop_node()
{
	local pid i
	pid=$(pid_of "$1") || return 0
	kill -TERM "$pid"
	for ((i = 0; i < 100; i++)); do
		pid_of "$1" >/dev/null || break
		sleep 0.1
	done
	! pid=$(pid_of "$1") || kill -KILL "$pid"
	rm -f "$demo/$1/pid"
}
