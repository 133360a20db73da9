#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The bash completion offers what the program's own help lists.
. "$SOURCE/tests/cli/lib.sh"

command -v bash >/dev/null || skip "no bash"
mkdir bin
ln -s "$GPUPT_XML" bin/gpupt-xml
printf '#!/bin/sh\necho z-k8s-n-1\n' >bin/virsh
chmod +x bin/virsh
PATH=$PWD/bin:$PATH
touch vm.xml

# offer_for WORD...: what is offered for the last word
offer_for() {
	# shellcheck disable=SC2016
	bash -c '. "$0"/completions/gpupt-xml
		COMP_WORDS=(gpupt-xml "$@") COMP_CWORD=$#
		_gpupt_xml
		printf "%s\n" "${COMPREPLY[@]}"' "$SOURCE" "$@" >offered
}
offers() { grep -qx -- "$1" offered || fail "\"$1\" is not offered: $(cat offered)"; }
offers_not() { grep -qx -- "$1" offered && fail "\"$1\" is offered"; }

offer_for ''
for command in apply undo history diff patch explain rehearse devices doctor snapshot verify \
	guest help; do
	offers $command
done
offer_for d
offers diff
offers doctor
offers_not apply
offer_for doctor --format ''
offers json
offer_for doctor ''
offers z-k8s-n-1
offers vm.xml
offer_for diff --
for option in --add-device --pcihole64 --inventory --show-secrets --strict --color; do offers $option; done
offers_not --in-place
offer_for patch --
offers --in-place
offer_for diff --color ''
offers always
offers_not vm.xml
offer_for diff --pcihole64 ''
offers keep
offers_not SIZE
offer_for diff --inventory v
offers vm.xml
offer_for diff --firmware v
offers vm.xml
offer_for diff ''
offers z-k8s-n-1
offers vm.xml
offer_for apply ''
offers z-k8s-n-1
offers_not vm.xml
offer_for verify ''
offers z-k8s-n-1
offers_not vm.xml
for command in apply undo history; do
	offer_for $command ''
	offers z-k8s-n-1
	offers_not vm.xml
done
offer_for history --format ''
offers json
offer_for patch ''
offers vm.xml
offers_not z-k8s-n-1
# no option of the table is left out
"$GPUPT_XML" help diff | grep -o -- ' --[a-z0-9-]*' | sort -u | tr -d ' ' >listed
offer_for diff --
sort -u offered | cmp -s - listed || fail "the help lists other options than are offered"
finish
