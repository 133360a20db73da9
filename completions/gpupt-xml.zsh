#compdef gpupt-xml
# SPDX-License-Identifier: LGPL-2.1-or-later
# zsh completion for gpupt-xml. The tables are put in while building.

_gpupt_xml_commands=(
{commands}
	'help:how to use a command'
	'version:which version this is'
)

# What the tables call; their arguments are words to offer.
_gpupt_xml_word() {
	local expl offered=("$@")
	_wanted words expl word compadd -a offered
}
_gpupt_xml_list() { _values -s , word "$@" }
_gpupt_xml_command() { _describe -t commands command _gpupt_xml_commands }
_gpupt_xml_uri() { _gpupt_xml_word qemu:///system qemu:///session test:///default }
_gpupt_xml_directory() { _files -/ }

_gpupt_xml_file() {
	(( $# )) && _gpupt_xml_word "$@"
	_files
}

_gpupt_xml_device() {
	local expl devices=(gpu ${${${(f)"$(gpupt-xml devices -q 2>/dev/null)"}[2,-1]}%% *})
	_wanted devices expl device compadd -a devices
}

# As virsh finds them under the same URIs.
_gpupt_xml_domain() {
	local expl i uri uris=() domains=()
	for ((i = 2; i < CURRENT; i++)); do
		case $words[i] in
		-c | --connect) uris+=(${(Q)words[i + 1]}) ;;
		-c* | --connect=*) uris+=(${(Q)${words[i]#(-c|--connect=)}}) ;;
		esac
	done
	(( $#uris )) || uris=('')
	for uri in "$uris[@]"; do
		domains+=(${(f)"$(virsh -r ${uri:+-c} $uri list --all --name 2>/dev/null)"})
	done
	_wanted domains expl domain compadd -a domains
}

_gpupt_xml_target() {
	_gpupt_xml_domain
	_files
}

_gpupt_xml() {
	local curcontext=$curcontext state line
	local -A opt_args
	_arguments -C \
		'(- *)'{-h,--help}'[show the commands]' \
		'(- *)'{-V,--version}'[show which version this is]' \
		':command: _gpupt_xml_command' \
		'*:: :->command' && return
	[[ $state = command ]] || return
	curcontext=${curcontext%:*}-$words[1]:
	case $words[1] in
{options}
	(help)
		_arguments ':command: _gpupt_xml_command' && return
		;;
	esac
	return 1
}

_gpupt_xml "$@"
