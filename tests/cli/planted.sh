#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Secrets wherever a domain has room for one: nothing that comes out has them, whatever
# is asked for, however the text is laid out, and also where it is broken.
. "$SOURCE/tests/cli/lib.sh"

# quiet ARGUMENT...: runs, and finds no secret in what is written.
quiet() {
	"$GPUPT_XML" "$@" >"$lab/out" 2>"$lab/err" </dev/null
	leaks=$(cat "$lab/out" "$lab/err" | grep -ao 'planted-[0-9][0-9]*' | sort -u | tr '\n' ' ')
	[ -z "$leaks" ] || fail "gpupt-xml $*: shows $leaks"
}

every_command() {
	quiet diff "$1" "$p10" --strict
	quiet diff "$1" "$p10" -v --color always
	quiet diff "$1" "$p10" --add-device 0000:08:00.0 --pcihole64 1GiB --force
	quiet diff "$1" "$p10" --format json
	quiet diff "$1" "$p10" --format sarif
	for format in text json svg; do
		quiet explain "$1" "$p10" -v --format $format
	done
	quiet doctor "$1" --inventory "$EXAMPLES/hosts/p10.json"
	quiet doctor "$1" --inventory "$EXAMPLES/hosts/p10.json" --format json
	quiet patch "$1" "$p10" --pcihole64 2TiB
	quiet patch "$1" "$p10" -v -o written.xml
}

schema=/usr/share/libvirt/schemas/domain.rng
if command -v xmllint >/dev/null && [ -r $schema ]; then
	xmllint --noout --relaxng $schema "$DATA/secrets/planted.xml" 2>lint ||
		fail "planted.xml is not what libvirt takes: $(cat lint)"
fi

for name in planted loose; do
	file=$DATA/secrets/$name.xml
	tr '\n' ' ' <"$file" >one-line.xml # so that all of it is in the diff
	for layout in "$file" one-line.xml; do
		every_command "$layout"
		cp "$layout" here.xml
		quiet patch here.xml "$p10" -i -v
	done
	# They are there, and come out where they are asked for.
	grep -o 'planted-[0-9][0-9]*' "$file" | sort >all
	[ "$(uniq <all | wc -l)" = "$(wc -l <all)" ] || fail "$name: a number is there twice"
	[ "$(wc -l <all)" -gt 20 ] || fail "$name: where are the secrets?"
	for command in "diff one-line.xml $p10 --show-secrets" "patch $file $p10"; do
		# shellcheck disable=SC2086
		"$GPUPT_XML" $command 2>/dev/null | grep -o 'planted-[0-9][0-9]*' | sort -u |
			cmp -s all - || fail "$name: $command shows other secrets than there are"
	done
	# Broken at a secret, as by a quote or an ampersand in a password: one way each.
	turn=0
	while read -r secret; do
		case $((turn % 5)) in
		0) broken="\&$secret;" ;;
		1) broken="<$secret>" ;;
		2) broken="</$secret>" ;;
		3) broken="<?$secret" ;;
		4) broken="'\" $secret='' $secret=''" ;;
		esac
		turn=$((turn + 1))
		sed "s|$secret|$broken|" "$file" >broken.xml
		quiet diff broken.xml "$p10"
	done <all
done

# What libvirt's test driver keeps of it.
if "$GPUPT_XML" diff z-k8s-n-1 -c "$node" "$p10" 2>&1 | grep -q "cannot be loaded"; then
	finish
fi
{
	echo "<node>"
	sed -e "s/type='kvm'/type='test'/" -e 's/^<!--.*//' -e '1,/-->/d' "$DATA/secrets/planted.xml"
	echo "</node>"
} >node.xml
uri=test://$PWD/node.xml
run 1 diff planted -c "$uri" "$p10" --show-secrets
quiet diff planted -c "$uri" "$p10"
quiet apply planted -c "$uri" "$p10" --dry-run -v
quiet apply planted -c "$uri" "$p10" -v
grep -q "found right" "$lab/err" || fail "it is not applied: $(cat "$lab/err")"
quiet apply planted -c "$uri" "$p10" --pcihole64 2TiB
quiet history planted -c "$uri"
quiet history planted -c "$uri" --format json
quiet undo planted -c "$uri" --dry-run
quiet undo planted -c "$uri"
quiet explain planted -c "$uri" "$p10" --format json
quiet doctor planted -c "$uri" --inventory "$EXAMPLES/hosts/p10.json"
finish
