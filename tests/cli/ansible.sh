#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# examples/ansible on libvirt's test driver: one run over hosts of every kind, in check mode
# and for real. That a second run changes nothing is for tests/integration/ansible.sh.
. "$SOURCE/tests/cli/lib.sh"

command -v ansible-playbook >/dev/null || skip "no ansible-playbook"
host=$EXAMPLES/hosts/p10.json
"$GPUPT_XML" diff z-k8s-n-1 -c "$node" --inventory "$host" >"$lab/diff" 2>/dev/null

# nothing of the user's own settings
# shellcheck disable=SC2046
unset $(env | sed -n 's/^\(ANSIBLE_[A-Z_]*\)=.*/\1/p')
: >ansible.cfg
export HOME="$lab" ANSIBLE_CONFIG="$PWD/ansible.cfg" ANSIBLE_NOCOLOR=1
export ANSIBLE_FORKS=11 ANSIBLE_PIPELINING=1
role=$EXAMPLES/ansible

sed 's/z-k8s-n-1/{{ 6 * 7 }}/' "$EXAMPLES/node.xml" >odd.xml
sed 's/0000:08:00/0000:18:00/' "$host" >other.json
cat >inventory.yml <<END
hypervisors:
  vars:
    ansible_connection: local
    ansible_become: false
    ansible_python_interpreter: /usr/bin/python3
    gpupt_xml_program: $GPUPT_XML
    gpupt_xml_uri: $node
    gpupt_xml_inventory: $host
    gpupt_xml_domains: [z-k8s-n-1]
  hosts:
    good:
    right: { gpupt_xml_uri: "test:///default", gpupt_xml_domains: --all }
    idle: { gpupt_xml_domains: [] }
    odd: { gpupt_xml_uri: "test://$PWD/odd.xml", gpupt_xml_domains: [--all] }
    half: { gpupt_xml_domains: [nobody, z-k8s-n-1] }
    other: { gpupt_xml_inventory: "$PWD/other.json" }
    tight: { gpupt_xml_options: [--pcihole64=1PiB] }
    forced: { gpupt_xml_options: ["--forbid=hotplug,memreserve", --force] }
    usage: { gpupt_xml_options: [--no-such-option] }
    absent: { gpupt_xml_program: /nonexistent/gpupt-xml }
    unset: { gpupt_xml_domains: }
END

# play STATUS OPTION...: the playbook over all hosts
play() {
	expected=$1
	shift
	status=0
	ansible-playbook -i inventory.yml "$role/site.yml" "$@" >"$lab/out" 2>"$lab/err" ||
		status=$?
	out=$(cat "$lab/out")
	[ $status = "$expected" ] || fail "exit status $status of ansible-playbook: $out
$(cat "$lab/err")"
}
# recap HOST CHANGED FAILED
recap() {
	grep -Eq "^$1 .* changed=$2 .* failed=$3 " "$lab/out" ||
		fail "$1 is not changed=$2 failed=$3: $(grep "^$1 .*=" "$lab/out")"
}
# says HOST TEXT: in the message with which it failed
says() {
	grep -F "fatal: [$1]: FAILED!" "$lab/out" | grep -qF -e "$2" ||
		fail "$1 does not say \"$2\": $(grep -F "[$1]" "$lab/out")"
}
# What has to come out with and without check mode.
look() {
	recap good 1 0
	recap right 0 0
	recap idle 0 0
	recap odd 1 0
	out_has 'changed: [odd] => (item={{ 6 * 7 }})' # no template, whoever named it
	recap half 1 1 # the other domain is done all the same
	says half 'nobody: there is no domain'
	recap other 0 1
	says other '0000:08:00.0 is not in the inventory [GPUPT-0003]. Use the inventory'
	recap tight 0 1
	says tight '1 PiB is too large'
	recap forced 1 0
	out_has '"z-k8s-n-1: error: BAR 0 (16 MiB) of 0000:08:00.0 stays without an address'
	recap usage 0 1
	says usage 'unknown option --no-such-option'
	recap absent 0 1
	says absent /nonexistent/gpupt-xml
	recap unset 0 1
	says unset gpupt_xml_domains
}

play 0 --syntax-check
ansible-inventory -i "$role/inventory.yml" --list >"$lab/out" 2>"$lab/err" ||
	fail "the inventory cannot be read: $(cat "$lab/err")"
grep -q kvm-9.example.org "$lab/out" || fail "hosts are missing: $(cat "$lab/out")"

play 2 --check --diff
look
out_lacks 'takes effect after'
# The tool's own diff, as it is; of standard output, the lines from its first to its last.
play 0 --check --diff --limit good
last=$(tail -n 1 "$lab/diff")
awk -v last="$last" '/^--- a/ { on = 1 } on { print } on && $0 == last { exit }' \
	"$lab/out" >"$lab/shown"
same "$lab/diff" "$lab/shown"

play 2
look
out_lacks '<pcihole64'
out_has '"z-k8s-n-1: runs; the change takes effect after a full stop and start"'
finish
