# SPDX-License-Identifier: LGPL-2.1-or-later
# bash completion for gpupt-xml. The tables are put in while building.

_gpupt_xml_commands=(
{commands}
help
version
)

# Sets $operand to what command $1 works on, and $options to a line for each of its
# options: its name and, where it takes an argument, what offers that.
_gpupt_xml_read_table() {
	case $1 in
{options}
	help) operand=command options='' ;;
	*) operand='' options='' ;;
	esac
}

# Each of these adds to COMPREPLY what begins with $current.
_gpupt_xml_word() {
	local word
	for word; do
		[[ $word == "$current"* ]] && COMPREPLY+=("$word")
	done
}

_gpupt_xml_lines() {
	local lines
	mapfile -t lines
	_gpupt_xml_word "${lines[@]}"
}

_gpupt_xml_list() {
	local before=
	[[ $current == *,* ]] && before=${current%,*},
	_gpupt_xml_word "${@/#/$before}"
}

_gpupt_xml_command() { _gpupt_xml_word "${_gpupt_xml_commands[@]}"; }
_gpupt_xml_uri() { _gpupt_xml_word qemu:///system qemu:///session test:///default; }
_gpupt_xml_directory() { _gpupt_xml_lines < <(compgen -d -- "$current"); }

_gpupt_xml_file() {
	_gpupt_xml_word "$@"
	_gpupt_xml_lines < <(compgen -f -- "$current")
}

_gpupt_xml_device() {
	_gpupt_xml_word gpu
	_gpupt_xml_lines < <(gpupt-xml devices -q 2>/dev/null | sed '1d;s/ .*//')
}

# As virsh finds them under the same URIs.
_gpupt_xml_domain() {
	local i uri uris=()
	for ((i = 2; i < ${#words[@]} - 1; i++)); do
		[[ ${words[i]} == @(-c|--connect) ]] && uris+=("${words[i + 1]}")
		[[ ${words[i]} == --connect=* ]] && uris+=("${words[i]#*=}")
	done
	for uri in "${uris[@]-}"; do
		_gpupt_xml_lines < <(virsh -r ${uri:+-c "$uri"} list --all --name 2>/dev/null |
			sed '/^$/d')
	done
}

_gpupt_xml_target() {
	_gpupt_xml_domain
	_gpupt_xml_file "$@"
}

_gpupt_xml() {
	local line=${COMP_LINE:0:COMP_POINT} start=
	local words word current before operand options rows i
	# Bash breaks words at colons and equals signs, which PCI addresses, URIs and
	# --option=argument have: its $2 is what comes after the break.
	# shellcheck disable=SC2162 # a backslash keeps a space within a word
	read -a words <<<"$line"
	[[ $line == *[^\\]' ' ]] && words+=('')
	word=${words[-1]} current=$word before=${words[-2]}
	[[ $word == --*=* ]] && current=${word#*=} before=${word%%=*}
	[[ $word == *"$2" ]] && start=${word%"$2"}

	COMPREPLY=()
	_gpupt_xml_read_table "${words[1]}"
	rows=$'\n'$options
	if ((${#words[@]} == 2)); then
		_gpupt_xml_command
		[[ $current == -* ]] && _gpupt_xml_word -h --help -V --version
	elif [[ $rows == *$'\n'"$before "* ]]; then
		rows=${rows#*$'\n'"$before "}
		# shellcheck disable=SC2086 # a function and its words
		_gpupt_xml_${rows%%$'\n'*}
	elif [[ $current == -* ]]; then
		_gpupt_xml_lines < <(sed 's/ .*//;/^$/d' <<<"$options")
	elif [[ $operand ]]; then
		"_gpupt_xml_$operand"
	fi
	for i in "${!COMPREPLY[@]}"; do
		COMPREPLY[i]=${word%"$current"}${COMPREPLY[i]}
		COMPREPLY[i]=${COMPREPLY[i]#"$start"}
	done
}

complete -o filenames -F _gpupt_xml gpupt-xml
