#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# guest: whether pci=realloc would help, and the steps for the guest's distribution.
. "$SOURCE/tests/cli/lib.sh"

# without a remedy that leaves the guest alone
forbid="--forbid hotplug,memreserve"

"$GPUPT_XML" guest z-k8s-n-1 -c "$node" "$p10" >"$lab/out" 2>"$lab/err"
grep -q "cannot be loaded" "$lab/err" && skip "built without libvirt"

# guest_of SYSTEM [MORE]: z-k8s-n-1 with libosinfo's name for its system
guest_of() {
	sed -e "s|<memory |<metadata><l:libosinfo xmlns:l='http://libosinfo.org/xmlns/libvirt/domain/1.0'><l:os id='$1'/></l:libosinfo></metadata>&|" \
		-e "s|</os>|${2-}&|" "$EXAMPLES/z-k8s-n-1.xml" >vm.xml
	cat >node.xml <<-XML
		<node>
		  <domain file='$PWD/vm.xml'/>
		</node>
	XML
	node=test://$PWD/node.xml
}

guest_of http://debian.org/debian/12
run 0 guest z-k8s-n-1 -c "$node" "$p10"
out_has "By the plan, z-k8s-n-1 does not need pci=realloc."
# shellcheck disable=SC2086 # two words
run 0 guest z-k8s-n-1 -c "$node" "$p10" $forbid
out_has "pci=realloc helps z-k8s-n-1: BAR 0 (16 MiB) of 0000:08:00.0"
out_has "For Debian, Ubuntu and their kin, as root in the guest:"
out_has "  cp -a /boot/grub/grub.cfg /boot/grub/grub.cfg.before-gpupt-xml"
out_has "Then reboot the guest"
err_empty
# the lines are for a shell: run them on a tree like a guest's
mkdir -p root/boot/grub root/bin && touch root/boot/grub/grub.cfg
printf '#!/bin/sh\ncat %s/etc/default/grub.d/*.cfg >%s/boot/grub/grub.cfg\n' "$PWD/root" "$PWD/root" \
	>root/bin/update-grub
chmod +x root/bin/update-grub
sed -n '1,/^Then/s/^  //p' "$lab/out" | sed -e "s|/boot|$PWD/root&|g" -e "s|/etc|$PWD/root&|g" >steps
(PATH=$PWD/root/bin:$PATH && . ./steps) || fail "the steps do not run: $(cat steps)"
grep -qx 'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX pci=realloc"' root/boot/grub/grub.cfg ||
	fail "the steps do not write it"
[ -e root/boot/grub/grub.cfg.before-gpupt-xml ] || fail "no backup"

guest_of http://redhat.com/rhel/9.4
run 0 guest z-k8s-n-1 -c "$node" "$p10"
out_has "  grubby --update-kernel=ALL --args=pci=realloc"
guest_of http://suse.com/sle/15.5
run 0 guest z-k8s-n-1 -c "$node" "$p10"
out_has "grub2-mkconfig"
guest_of http://microsoft.com/win/11
run 0 guest z-k8s-n-1 -c "$node" "$p10"
out_has "Windows knows no such option"
guest_of http://debian.org/debian/12 "<kernel>/boot/vmlinuz</kernel>"
run 0 guest z-k8s-n-1 -c "$node" "$p10"
out_has "<os><cmdline> of the domain"
out_lacks "update-grub"

guest_of http://example.com/other/1
run 0 guest z-k8s-n-1 -c "$node" "$p10" --guest-os fedora
out_has "  grubby "

# what the plan says of it comes first
guest_of http://debian.org/debian/12
run 0 guest z-k8s-n-1 -c "$node" --assume=0000:08:00.0=10de:1eb8
case $out in
"By the plan, z-k8s-n-1 does not need pci=realloc."*) ;;
*) fail "it does not say first that it is not needed: $out" ;;
esac
run 0 guest z-k8s-n-1 -c "$node"
out_has "Whether z-k8s-n-1 needs pci=realloc is not known: libvirt's test driver has no"
# shellcheck disable=SC2086
run 0 guest z-k8s-n-1 -c "$node" "$p10" $forbid --format json
out_has '"needed": "yes"'
out_has '"state": null'
out_has '    "update-grub"'

# no agent on the test driver
run 2 guest z-k8s-n-1 -c "$node" "$p10" --guest-agent
err_has "custom-ga-command"
err_has "the guest agent cannot be asked: "
out_empty
run 2 guest z-k8s-n-1 -c "$node" "$p10" --yes
err_has "--yes needs --guest-agent"
finish
