#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# patch: to standard output, to another file, in place.
. "$SOURCE/tests/cli/lib.sh"

original=$EXAMPLES/z-k8s-n-1.xml
run 0 patch "$original" "$p10"
cp "$lab/out" new.xml
out_has "<pcihole64 unit='KiB'>67108864</pcihole64>"
run 0 patch - "$p10" <"$original"
same new.xml "$lab/out"
# nothing to do: the same bytes
run 0 patch new.xml "$p10"
same new.xml "$lab/out"
run 0 patch "$original" --pcihole64 keep
same "$original" "$lab/out"

run 0 patch "$original" "$p10" -o out.xml
out_empty
same new.xml out.xml

# In place: mode, link and the rest stay; a file that is right is not touched.
cp "$original" real.xml
chmod 604 real.xml
ln -s real.xml link.xml
run 0 patch -i link.xml "$p10"
out_empty
same new.xml real.xml
[ -L link.xml ] || fail "the link is gone"
[ "$(stat -c %a real.xml)" = 604 ] || fail "the mode changed"
before=$(stat -c '%i %Y %Z' real.xml)
run 0 patch -i real.xml "$p10"
[ "$before" = "$(stat -c '%i %Y %Z' real.xml)" ] || fail "a file that was right was rewritten"
run 2 patch -i - "$p10" <"$original"
err_has "needs a file"

# another name of the same file is not taken along
cp "$original" linked.xml
ln linked.xml other.xml
run 0 patch -i linked.xml "$p10"
err_has "other hard links"
same "$original" other.xml
run 0 patch "$original" "$p10" -o - -q
same new.xml "$lab/out"

# Nothing is written where there is nothing right to write.
cp "$original" vm.xml
run 3 patch -i vm.xml "$p10" --pcihole64 2TiB
same "$original" vm.xml
run 3 patch vm.xml "$p10" --pcihole64 2TiB
out_empty
run 2 patch vm.xml -o missing/directory/new.xml "$p10"
err_has "missing/directory/new.xml"
mkfifo pipe.xml
run 2 patch vm.xml -o pipe.xml "$p10"
err_has "not a regular file"
[ "$(find . -name '.?*')" = "" ] || fail "a temporary file was left"
finish
