# SPDX-License-Identifier: Apache-2.0
# completion.bash - what the shell completes of a tillctl command line. All of it comes from the
# program itself (`tillctl --list-commands`), so it is that of the version that is installed.

_tillctl() {
    local current=${COMP_WORDS[COMP_CWORD]} line word
    local -a candidates=() words=()
    # "--name=x" is three words for the shell when = breaks words.
    COMPREPLY=()
    while IFS= read -r line; do
        read -ra words <<<"$line"
        case $COMP_CWORD in
        1) candidates+=("${words[0]}") ;;
        *)
            [[ ${words[0]} == "${COMP_WORDS[1]}" ]] || continue
            # The second word is a verb when it is in small letters; a thing may have none.
            if [[ ${words[1]-} == [a-z]* ]]; then
                if [[ $COMP_CWORD -eq 2 ]]; then
                    candidates+=("${words[1]}")
                    continue
                fi
                [[ ${words[1]} == "${COMP_WORDS[2]}" ]] || continue
            fi
            for word in "${words[@]}"; do
                [[ $word != --* ]] || candidates+=("$word")
            done
            ;;
        esac
    done < <("${COMP_WORDS[0]}" --list-commands 2>/dev/null)
    [[ $COMP_CWORD -gt 1 ]] || candidates+=(--help --version)
    [[ $COMP_CWORD -le 1 ]] || candidates+=(--help)
    mapfile -t COMPREPLY < <(compgen -W "${candidates[*]}" -- "$current")
    # A value follows at once, or a file's name for an option that reads one.
    if [[ ${#COMPREPLY[@]} -eq 0 ]]; then
        mapfile -t COMPREPLY < <(compgen -f -- "${current#=}")
    elif [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]]; then
        compopt -o nospace 2>/dev/null || :
    fi
}
complete -F _tillctl tillctl
