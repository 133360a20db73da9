# SPDX-License-Identifier: LGPL-2.1-or-later
# fish completion for gpupt-xml. The tables are put in while building.

function __gpupt_xml_first -d 'No command yet'
    test (count (commandline -opc)) -eq 1
end

function __gpupt_xml_of -d 'The command is this one'
    set -l words (commandline -opc)
    test "$words[2]" = $argv[1]
end

# What the tables call; their arguments are words to offer.
function __gpupt_xml_word
    printf '%s\n' $argv
end

function __gpupt_xml_file
    printf '%s\n' $argv
end

function __gpupt_xml_list
    set -l before (commandline -ct | string replace -r '^--[a-z-]+=' '' |
        string replace -r '[^,]*$' '')
    printf '%s\n' $before$argv
end

function __gpupt_xml_uri
    printf '%s\n' qemu:///system qemu:///session test:///default
end

function __gpupt_xml_directory
    __fish_complete_directories (commandline -ct | string replace -r '^--[a-z-]+=' '')
end

function __gpupt_xml_device
    echo gpu
    gpupt-xml devices -q 2>/dev/null | string replace -rf '^([0-9a-f]\S*).*' '$1'
end

# As virsh finds them under the same URIs.
function __gpupt_xml_domain
    set -l uris
    set -l words (commandline -opc)
    for i in (seq 2 (count $words))
        switch $words[$i]
            case -c --connect
                set -a uris $words[(math $i + 1)]
            case '--connect=*'
                set -a uris (string replace -- --connect= '' $words[$i])
        end
    end
    if not set -q uris[1]
        virsh -r list --all --name 2>/dev/null | string match -v ''
    end
    for uri in $uris
        virsh -r -c $uri list --all --name 2>/dev/null | string match -v ''
    end
end

function __gpupt_xml_target
    __gpupt_xml_domain
end

function __gpupt_xml_command
    printf '%s\t%s\n' \
{commands}
        help 'How to use a command' \
        version 'Which version this is'
end

complete -c gpupt-xml -f
complete -c gpupt-xml -n __gpupt_xml_first -a '(__gpupt_xml_command)'
complete -c gpupt-xml -n __gpupt_xml_first -s h -l help -d 'Show the commands'
complete -c gpupt-xml -n __gpupt_xml_first -s V -l version -d 'Show which version this is'
complete -c gpupt-xml -n '__gpupt_xml_of help' -a '(__gpupt_xml_command)'
{options}
