#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Help, version, and what a slip of the finger is answered with.
. "$SOURCE/tests/cli/lib.sh"

run 0 --version
out_has "gpupt-xml 0."
err_empty
run 0 --help
for command in apply diff patch explain rehearse devices doctor snapshot verify guest; do
	out_has "  $command "
	run 0 $command --help
	err_empty
	out_has "Usage: gpupt-xml $command"
	cp "$lab/out" "$command.help"
	run 0 help $command
	same "$command.help" "$lab/out"
	run 0 --help
done
# an option's help goes with its command only
grep -q -- --in-place patch.help || fail "patch --help lacks --in-place"
grep -q -- --in-place diff.help && fail "diff --help has --in-place"
awk 'length > 80' ./*.help | grep . && fail "a help line is too long"

run 2
err_has "say what to do"
run 2 aply z
err_has 'there is no command "aply"; did you mean apply?'
run 2 frobnicate
err_lacks "did you mean"
run 2 -c qemu:///system diff z
err_has "options come after the command"
run 2 diff vm.xml --inventroy x
err_has "did you mean --inventory?"
run 2 diff
err_has "diff needs a TARGET"
run 2 diff - --inventory - </dev/null
err_has "cannot both come from standard input"
run 2 devices vm.xml
err_has "one argument too many"
run 2 doctor a.xml b.xml
err_has "one argument too many"
run 2 help frobnicate
err_has "there is no command"
for size in 64 2097152; do
	run 2 diff vm.xml --pcihole64 $size
	err_has "a size needs a unit, e.g. ${size}GiB or ${size}KiB"
done
finish
