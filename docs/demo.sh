#!/bin/bash
# Plays a day of a KVM host in a network namespace of its own: two guests start, a third is
# refused, VLANs are lost and replayed, and the log is asked what happened. The hooks are called
# as libvirt calls them; the kernel, the bridge and the database are real.
#
# Run it by 'make demo', which finds a kernel that can and gives this script the namespace.
set -eu
cd "$(dirname "$0")/.."

PATH=$PWD/.venv/bin:/usr/sbin:/sbin:$PATH
stage=$(mktemp -d)
export VLANLOG_HOOKS_DIR=$stage/hooks VLANLOG_DATABASE=sqlite:///$stage/vlanlog.db
export VLANLOG_SPOOL_DIR=$stage/spool VLANLOG_SOCKET=$stage/vlanlog.sock VLANLOG_HOST=kvm1
export VLANLOG_PYTHON=$PWD/.venv/bin/python VLANLOG_HOOK=$PWD/vlanlog/hook.py

if [ -t 1 ]; then bold=$'\e[1m' dim=$'\e[2m' off=$'\e[0m'; else bold='' dim='' off=''; fi
chapter() { printf '\n%s== %s%s\n' "$bold" "$*" "$off"; }
tell() { printf '%s%s%s\n' "$dim" "$*" "$off"; }
quoted() {
	for word; do
		case $word in
		*[!A-Za-z0-9_./:,=-]*) printf " '%s'" "$word" ;;
		*) printf ' %s' "$word" ;;
		esac
	done
}
run() {
	printf '\n%s$%s%s\n' "$bold" "$(quoted "$@")" "$off"
	status=0
	"$@" || status=$?
	[ $status -eq 0 ] || tell "(exit status $status)"
}

# What libvirt does around its hooks: makes the tap with the guest's MAC, puts it into the bridge.
tap() { # TAP MAC BRIDGE
	ip tuntap add dev "$1" mode tap
	ip link set dev "$1" address "fe:${2#*:}"
	ip link set dev "$1" master "$3" up
}

xml() { # NAME UUID {MAC BRIDGE TAP}…
	printf '<domain type="kvm"><name>%s</name><uuid>%s</uuid><devices>' "$1" "$2"
	shift 2
	net=0
	while [ $# -gt 0 ]; do
		printf '<interface type="bridge"><mac address="%s"/><source bridge="%s"/>' "$1" "$2"
		printf '<target dev="%s"/><alias name="net%d"/></interface>' "$3" $net
		net=$((net + 1))
		shift 3
	done
	printf '</devices></domain>'
}

guest_hook() { # NAME OPERATION SUB-OPERATION EXTRA < XML
	tell "libvirt calls: hooks/qemu $*"
	env -i PATH="$PATH" LC_ALL=C $(env | grep ^VLANLOG_) "$VLANLOG_HOOKS_DIR/qemu" "$@"
}

watching() { grep -c 'watching; socket' "$stage/daemon.log" || true; }

start_daemon() {
	tell
	tell "systemd starts: vlanlog daemon"
	# One that was killed has left its words and its socket.
	touch "$stage/daemon.log"
	before=$(watching)
	vlanlog daemon 2>>"$stage/daemon.log" &
	daemon=$!
	until [ "$(watching)" -gt "$before" ]; do
		kill -0 $daemon
		sleep 0.1
	done
}

start() { # NAME UUID {MAC BRIDGE TAP}…
	name=$1
	xml=$(xml "$@")
	shift 2
	printf '%s' "$xml" | guest_hook "$name" prepare begin -
	while [ $# -gt 0 ]; do
		tap "$3" "$1" "$2"
		taps="${taps-} $3"
		shift 3
	done
	if printf '%s' "$xml" | guest_hook "$name" start begin -; then
		printf '%s' "$xml" | guest_hook "$name" started begin -
	else
		tell "libvirt gives up the start of $name"
		for device in $taps; do ip link del dev "$device"; done
		printf '%s' "$xml" | guest_hook "$name" stopped end -
		printf '%s' "$xml" | guest_hook "$name" release end failed
	fi
	taps=''
}

stop() { # NAME UUID {MAC BRIDGE TAP}…
	xml=$(xml "$@")
	name=$1
	shift 2
	while [ $# -gt 0 ]; do
		ip link del dev "$3"
		shift 3
	done
	printf '%s' "$xml" | guest_hook "$name" stopped end -
	printf '%s' "$xml" | guest_hook "$name" release end shutdown
}

bridge_with_ports() { # BRIDGE PORT…
	bridge=$1
	ip link add dev "$bridge" type bridge
	ip link set dev "$bridge" up
	shift
	for port; do ip link set dev "$port" master "$bridge" up; done
}

vm1=(VM1 5f8a1c5e-0b1d-4b0a-9a55-0d1f6f1a0001 52:54:00:00:01:00 br0 veth0)
vm2=(VM2 5f8a1c5e-0b1d-4b0a-9a55-0d1f6f1a0002 52:54:00:00:02:01 br0 veth1 52:54:00:00:02:02 br0 veth2)
vm3=(VM3 5f8a1c5e-0b1d-4b0a-9a55-0d1f6f1a0003 52:54:00:00:03:00 br1 vnet0)

chapter "1. A host: br0 with the trunk eth0, described by two files"
cp -a hooks "$VLANLOG_HOOKS_DIR"
mkdir "$VLANLOG_HOOKS_DIR/conf"
cat >"$VLANLOG_HOOKS_DIR/conf/bridge_init.conf" <<'CONF'
[br0]
trunk-port = eth0
trunk-pvid = 1
trunk-tags = 100 200 300
br-pvid = 1
br-tags = 200
CONF
cat >"$VLANLOG_HOOKS_DIR/conf/vlan_filtering.conf" <<'CONF'
[veth0]
guest = VM1
pvid = 100
tagged = 200,300

[veth1]
guest = VM2
pvid = 1
tagged = 100 200

[veth2]
guest = VM2
pvid = 300

[VM3/*]
pvid = 100
CONF
cd "$VLANLOG_HOOKS_DIR"
run cat conf/bridge_init.conf
run cat conf/vlan_filtering.conf
cd "$OLDPWD"
ip link add dev eth0 type dummy
bridge_with_ports br0 eth0
bridge_with_ports br1
tell
tell "libvirtd starts and calls: hooks/daemon - start - start"
"$VLANLOG_HOOKS_DIR/daemon" - start - start
run bridge -compressvlans vlan show

chapter "2. Two guests start: their VLANs are set before their CPUs run"
start "${vm1[@]}"
start "${vm2[@]}"
run vlanlog state

chapter "3. A guest whose VLANs cannot be set does not start"
tell "br1 does not filter VLANs, and VM3 has on-failure = refuse, the default."
start "${vm3[@]}"
run vlanlog history VM3

chapter "4. Replay: the files, and what an operator set since"
run vlanlog set veth0 --tagged 200,300-310 --reason 'ticket 42: lab segments'
tell
tell "A network restart: br0 is deleted and made anew, its ports come back with VLAN 1 alone."
ip link del dev br0
bridge_with_ports br0 eth0 veth0 veth1 veth2
run bridge -compressvlans vlan show
run vlanlog replay --dry-run
run vlanlog replay
run vlanlog replay
run bridge -compressvlans vlan show

tell
tell "A reboot: a new boot id, no taps, then the guests start again."
cat /proc/sys/kernel/random/uuid >"$stage/boot_id"
mount --bind "$stage/boot_id" /proc/sys/kernel/random/boot_id
for device in veth0 veth1 veth2 br0; do ip link del dev "$device"; done
bridge_with_ports br0 eth0
"$VLANLOG_HOOKS_DIR/daemon" - start - start
start "${vm1[@]}"
run vlanlog diff

chapter "5. Make before break: frames flow while everything around them changes"
ip netns add left
ip netns add right
for side in left right; do
	ip link add dev "$side" type veth peer name eth0 netns "$side"
	ip link set dev "$side" master br0 up
	ip -n "$side" link set dev eth0 up
	bridge vlan add dev "$side" vid 100 pvid untagged
	bridge vlan del dev "$side" vid 1
done
ip -n left address add 192.0.2.1/24 dev eth0
ip -n right address add 192.0.2.2/24 dev eth0
run vlanlog set left --tagged 500-600 --reason 'demo' --later
run vlanlog set right --tagged 700-4000 --reason 'demo' --later
run vlanlog set veth0 --pvid 300 --tagged 200 --reason 'demo: moved' --later
tell
tell "A datagram every 5 ms from left to right, both untagged in VLAN 100:"
ip netns exec right python3 docs/frames.py receive 192.0.2.2 "$stage/received" &
receiver=$!
until [ -e "$stage/received" ]; do sleep 0.1; done
ip netns exec left python3 docs/frames.py send 192.0.2.2 "$stage/sent" &
sender=$!
sleep 1
run vlanlog replay
sleep 1
kill -INT $sender
wait $sender
kill -INT $receiver
wait $receiver
printf '%s sent, %s received\n' "$(cat "$stage/sent")" "$(cat "$stage/received")"

chapter "6. Which VLANs did VM1 have, when, and who changed them?"
bridge vlan add dev veth0 vid 666
run vlanlog diff
run vlanlog replay
stop "${vm1[@]}"
run vlanlog history VM1
run vlanlog history VM1 --vlan 666 -o json -n 1
run vlanlog verify

chapter "7. The daemon: every change as it happens, and what it did not see"
start_daemon
start "${vm2[@]}"
tell
tell "Someone changes VM2's port, and takes its bridge's trunk out and in again."
bridge vlan add dev veth2 vid 4000-4010
ip link set dev eth0 nomaster
ip link set dev eth0 master br0
sleep 1
run vlanlog history -n 9
run bridge vlan show dev eth0

tell
tell "The daemon is killed, and someone uses the time."
{ kill -KILL $daemon && wait $daemon; } 2>/dev/null || true
bridge vlan del dev veth2 vid 4000-4010
bridge vlan add dev veth2 vid 13
start_daemon
run vlanlog history -n 6

tell
tell "Who must not find it changed, lets the daemon put it back."
sed -i '/^\[veth2\]/a foreign = revert' "$VLANLOG_HOOKS_DIR/conf/vlan_filtering.conf"
kill -HUP $daemon
sleep 1
bridge vlan add dev veth2 vid 14
sleep 1
run vlanlog history VM2 -n 4
kill $daemon
wait $daemon
cat "$stage/daemon.log"
chapter "That was the demo; nothing of it is left on this machine."
