#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# rehearse, as far as it goes without QEMU; tests/boot/rehearse.py has the rest.
. "$SOURCE/tests/cli/lib.sh"

unset GPUPT_REHEARSAL_KERNEL GPUPT_REHEARSAL_INITRD
# a guest with firmware that every machine has: none
sed '/<loader/d; /<nvram/d' "$EXAMPLES/z-k8s-n-1.xml" >vm.xml
run 2 rehearse vm.xml "$p10" --emulator /nonexistent/qemu
err_has "emulator /nonexistent/qemu: No such file"
out_empty
run 2 rehearse vm.xml "$p10" --emulator "$lab"/nothing --kernel /nonexistent/vmlinuz
err_has "/nonexistent/vmlinuz: No such file"
GPUPT_REHEARSAL_KERNEL=/nonexistent/other run 2 rehearse vm.xml "$p10" --emulator /bin/true
err_has "/nonexistent/other: No such file"
# programs that are no QEMU
run 2 rehearse vm.xml "$p10" --emulator /bin/true
err_has "it ended without a word"
printf '#!/bin/sh\nexec sleep 100\n' >slow
chmod +x slow
run 2 rehearse vm.xml "$p10" --emulator ./slow --timeout 1
err_has "took longer than 1 seconds (--timeout)"
run 2 rehearse vm.xml "$p10" --timeout 0
err_has "--timeout 0: expected seconds"

# firmware of another machine
sed 's|<loader.*|<loader type="pflash">/nonexistent/OVMF.fd</loader>|' \
	"$EXAMPLES/z-k8s-n-1.xml" >other.xml
run 2 rehearse other.xml "$p10" --emulator /bin/true
err_has "the domain's firmware /nonexistent/OVMF.fd"

# nothing to see, and nothing that fits
sed '/<hostdev/,/<\/hostdev>/d' vm.xml >none.xml
run 0 rehearse none.xml --emulator /nonexistent/qemu
err_has "nothing to rehearse"
out_empty
run 3 rehearse vm.xml "$p10" --firmware ovmf --pcihole64 4096TiB --emulator /nonexistent/qemu
out_empty
finish
