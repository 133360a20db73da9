#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# examples/ansible on a real libvirtd, which remembers: check mode defines nothing, a second
# run changes nothing, and one domain that went astray is all that a third one changes.
# Needs root.
#   ansible.sh GPUPT_XML EXAMPLES
set -u

gpupt_xml=$1
examples=$2

# shellcheck source=tests/integration/libvirtd.sh
. "${0%/*}/libvirtd.sh"
command -v ansible-playbook >/dev/null || skip "ansible-playbook is not installed"
start_lab "$0" "$@"

for name in vm-1 vm-2; do
	sed -e "s/<domain type='kvm'>/<domain type='qemu'>/; s/z-k8s-n-1/$name/; /<uuid>/d" \
		-e "/<mac /d" "$examples/z-k8s-n-1.xml" >/run/lab/$name.xml
	virsh -q -c $uri define /run/lab/$name.xml || fail "cannot define $name"
done
# nothing of the user's own settings
# shellcheck disable=SC2046
unset XDG_STATE_HOME $(env | sed -n 's/^\(ANSIBLE_[A-Z_]*\)=.*/\1/p')
: >/run/lab/ansible.cfg
export HOME=/run/lab ANSIBLE_CONFIG=/run/lab/ansible.cfg LC_ALL=C.UTF-8
export ANSIBLE_NOCOLOR=1 ANSIBLE_PIPELINING=1
cat >/run/lab/inventory.yml <<END
hypervisors:
  hosts:
    here:
      ansible_connection: local
      ansible_become: false
      ansible_python_interpreter: /usr/bin/python3
      gpupt_xml_program: $(realpath "$gpupt_xml")
      gpupt_xml_inventory: $examples/hosts/p10.json
      gpupt_xml_domains: [--all]
END

definitions() { cat /etc/libvirt/qemu/*.xml; }
# play CHANGED OPTION...
play() {
	local changed=$1
	shift
	run 0 ansible-playbook -i /run/lab/inventory.yml "$examples/ansible/site.yml" "$@"
	grep -Eq "^here .* changed=$changed .* failed=0 " <<<"$out" ||
		fail "not changed=$changed: $out"
}

old=$(definitions)
play 1 --check --diff
has "$out" "+++ b/vm-1.xml"
has "$out" "+++ b/vm-2.xml"
[ "$(definitions)" = "$old" ] || fail "check mode changed something"
play 1
[ "$(definitions | grep -c "<pcihole64 unit='KiB'>67108864<")" = 2 ] || fail "not applied"
has_not "$out" "takes effect" # neither of them runs
new=$(definitions)
play 0
play 0 --check --diff
[ "$(definitions)" = "$new" ] || fail "a second run changed something"
run 0 "$gpupt_xml" undo vm-2 -c $uri # kept by the role's run, as by any other
play 1
has "$out" "changed: [here] => (item=vm-2)"
has_not "$out" "(item=vm-1)"
[ "$(definitions)" = "$new" ] || fail "vm-2 is not what it was before"

[ $failures = 0 ]
