#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What a shell, run for real, offers: just what the program's own help lists, and what an
# argument can be.
#   completion.sh bash|zsh|fish COMPLETION
. "$SOURCE/tests/cli/lib.sh"
shell=$1 completion=$2
command -v "$shell" >/dev/null || skip "no $shell"

real_virsh=$(command -v virsh)
mkdir ../bin ../home there
# This machine's devices and domains would be others on each: the program gets a host to
# look at, and virsh answers for itself under a URI only.
cat >../bin/gpupt-xml <<END
#!/bin/sh
[ "\$1" = devices ] || exec printf '%s\\n' "\$@"
exec "$GPUPT_XML" "\$@" --inventory "$EXAMPLES/hosts/p10.json" --assume 0000:09:00.0=10de:2330
END
cat >../bin/virsh <<END
#!/bin/sh
case "\$*" in
'-r list --all --name') printf 'near-1\\nnear 2\\n\\n' ;;
'-r -c qemu:///session list --all --name') printf 'near 2\\n\\n' ;;
*) exec ${real_virsh:-false} "\$@" ;;
esac
END
chmod +x ../bin/*
touch guest.xml
export PATH="$lab/bin:$PATH" HOME="$lab/home"

# Each line of queries is a command line with the cursor at its end; the answer to line N
# has to be the lines of expected.N, in any order.
queries=0
expect() {
	queries=$((queries + 1))
	printf '%s\n' "$1" >>../queries
	shift
	printf '%s\n' "$@" | sort >../expected.$queries
}

# Commands, options and the names in LIST and NAME are the program's own.
"$GPUPT_XML" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p' >../commands
commands=$(cat ../commands)
known() {
	"$GPUPT_XML" diff "$EXAMPLES/z-k8s-n-1.xml" "$1" nothing 2>&1 |
		sed -n 's/.* \(there are\|known are\) //p' | tr -s ', ' '\n' | grep -vx 'and\|.*[A-Z].*'
}
remedies=$(known --allow)
firmwares=$(known --firmware)
[ -n "${commands:+${remedies:+$firmwares}}" ] || fail "the program lists nothing"

# What may stand for the argument "auto|keep|SIZE".
words_for() {
	for word in $(echo "$1" | tr '|' ' '); do
		case $word in
		FILE) printf '%s\n' guest.xml there ;;
		DIR) echo there ;;
		DEVICE) printf '%s\n' gpu 0000:06:00.0 0000:08:00.0 0000:09:00.0 ;;
		URI) printf '%s\n' qemu:///system qemu:///session test:///default ;;
		LIST) echo "$remedies" ;;
		[a-z]*) echo "$word" ;;
		esac
	done
	[ "$1" != 'NAME|FILE' ] || echo "$firmwares"
}

# shellcheck disable=SC2015,SC2046,SC2086 # lists of words
{
	expect 'gpupt-xml ' $commands help version
	expect 'gpupt-xml -' -h --help -V --version
	expect 'gpupt-xml d' $(grep ^d ../commands)
	expect 'gpupt-xml help ' $commands help version
	for command in $commands; do
		# "--connect;URI;-c"
		"$GPUPT_XML" help "$command" |
			sed -n 's/^  *\(-[a-z]\)\{0,1\}[, ]*\(--[a-z0-9-]*\) \{0,1\}\([^ ]*\).*/\2;\3;\1/p' >../options
		expect "gpupt-xml $command -" $(tr ';' '\n' <../options | grep '^-')
		while IFS=';' read -r name argument letter; do
			[ -z "$argument" ] || expect "gpupt-xml $command $name " $(words_for "$argument")
			[ -z "$argument" ] || [ -z "$letter" ] ||
				expect "gpupt-xml $command $letter " $(words_for "$argument")
		done <../options
	done
}
# The operands, and domains under another URI.
for command in apply undo history verify guest; do
	expect "gpupt-xml $command " near-1 'near 2'
done
for command in diff explain rehearse doctor; do
	expect "gpupt-xml $command " near-1 'near 2' guest.xml there
done
expect 'gpupt-xml patch ' guest.xml there
[ "$shell" = zsh ] || expect 'gpupt-xml devices ' # zsh offers options where there is nothing else
expect 'gpupt-xml undo n' near-1 'near 2'
if [ -n "$real_virsh" ]; then
	expect 'gpupt-xml undo -c test:///default ' test
	expect "gpupt-xml diff --connect=$node z" z-k8s-n-1
	expect "gpupt-xml diff -c test:///default --connect $node -q " \
		test z-k8s-n-1 guest.xml there
fi
# Parts of words, also after a colon, an equals sign and a comma.
expect 'gpupt-xml diff --format=' text json sarif table
expect 'gpupt-xml explain --format=s' svg
expect 'gpupt-xml diff --add-device 0000:09' 0000:09:00.0
expect 'gpupt-xml diff --add-device=0000:09' 0000:09:00.0
expect 'gpupt-xml diff -c qemu:///se' qemu:///session
expect 'gpupt-xml diff --allow m' memreserve move maxphysaddr
expect 'gpupt-xml diff --inventory=g' guest.xml
expect 'gpupt-xml diff --sysfs=' there
if [ "$shell" = zsh ]; then
	expect 'gpupt-xml diff --allow move,fw' fwcfg
else
	expect 'gpupt-xml diff --allow move,fw' move,fwcfg
fi

case $shell in
bash)
	cat >../ask.bash <<'END'
. "$1"
n=0
while IFS= read -r COMP_LINE; do
	COMP_POINT=${#COMP_LINE} COMPREPLY=()
	word=${COMP_LINE##* }
	piece=${word##*[:=]} # what bash would replace
	_gpupt_xml gpupt-xml "$piece"
	before=${word%"$piece"}
	printf '%s\n' "${COMPREPLY[@]/#/$before}" >../answer.$((++n))
done
END
	bash --norc ../ask.bash "$completion" <../queries ;;
zsh)
	cp "$completion" ../_gpupt-xml
	cat >../ask.zsh <<'END'
fpath=(.. $fpath)
autoload -U compinit
compinit -D -u
# What is added is an offer; -O, -A and -D only sort.
compadd() {
	local -a added options_added=("${(@)argv[1,(i)--]}")
	if ! (( $options_added[(I)-[OAD]*] )); then
		builtin compadd -O added "$@"
		(( $#added )) && print -rl -- $added >>../answer.$n
	fi
	builtin compadd "$@"
}
zle -C offer list-choices _main_complete
zle-line-init() {
	for BUFFER in "${(@f)$(<../queries)}"; do
		CURSOR=$#BUFFER
		: >../answer.$((++n))
		zle offer
	done
	exit
}
zle -N zle-line-init
n=0
END
	echo '. ../ask.zsh' | script -qec 'zsh -f -i' /dev/null >../log 2>&1 || : ;;
fish)
	cat >../ask.fish <<'END'
source $argv[1]
set n 0
while read -l line
    set n (math $n + 1)
    complete -C $line >../answer.$n
end
END
	fish --no-config ../ask.fish "$completion" <../queries ;;
esac

n=0
while IFS= read -r line; do
	n=$((n + 1))
	touch ../answer.$n
	# Without descriptions, what stands before the word's break, and a folder's slash.
	sed 's/\t.*//; s/^--[a-z0-9-]*=//; s,/$,,; /^$/d' ../answer.$n | sort -u >../offered
	sed '/^$/d' ../expected.$n | diff - ../offered ||
		fail "$shell, \"$line\": expected <, offered >"
done <../queries
echo "$shell was asked $n times"

# With readline, which has its own idea of where a word begins, and quotes colons.
if [ "$shell" = bash ] && command -v script >/dev/null; then
	cat >../keys <<END
. $completion
gpupt-xml exp	--add-d	0000:08	--format=j	-c qemu:///se	--allow move,fw	near\\ 	>typed
exit
END
	script -qec 'bash --norc --noprofile -i' /dev/null <../keys >../log 2>&1
	printf '%s\n' explain --add-device 0000:08:00.0 --format=json -c qemu:///session \
		--allow move,fwcfg 'near 2' | diff - typed || fail "typed: $(cat ../log)"
fi
finish
