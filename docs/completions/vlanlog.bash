# bash completion for vlanlog; made by docs/completions/build.py

_vlanlog_names() {
    local name
    # A name may hold what the shell would take apart.
    while IFS= read -r name; do
        COMPREPLY+=("$(printf '%q' "$name")")
    done < <(vlanlog --complete "$cur" "$@" 2>/dev/null </dev/null)
}

_vlanlog_words() {
    local word
    for word in "$@"; do
        [[ $word == "$cur"* ]] && COMPREPLY+=("$word")
    done
}

_vlanlog_files() {
    compopt -o filenames 2>/dev/null
    mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen "$@" -- "$cur")
}

_vlanlog_below() {
    case "$1 $2" in
        ' replay') echo replay ;;
        ' history') echo history ;;
        ' blame') echo blame ;;
        ' watch') echo watch ;;
        ' state') echo state ;;
        ' diff') echo diff ;;
        ' set') echo set ;;
        ' unset') echo unset ;;
        ' adopt') echo adopt ;;
        ' capture') echo capture ;;
        ' doctor') echo doctor ;;
        ' verify') echo verify ;;
        ' report') echo report ;;
        ' metrics') echo metrics ;;
        ' export') echo export ;;
        ' import') echo import ;;
        ' archive') echo archive ;;
        ' daemon') echo daemon ;;
        ' install') echo install ;;
        ' uninstall') echo uninstall ;;
        ' db') echo db ;;
        'db status') echo 'db status' ;;
        'db upgrade') echo 'db upgrade' ;;
    esac
}

_vlanlog_options() {
    case "$1" in
        '') echo --help --version ;;
        replay) echo --dry-run -n --to --at --guest --bridge --port --output -o --hooks-dir --database --help -h ;;
        history) echo --guest --mac --port --bridge --host --since -S --until -U --vlan --kind --by --lines -n --reverse -r --follow -f --oneline --utc --output -o --hooks-dir --database --help -h ;;
        blame) echo --vlan --removed --host --at --utc --output -o --hooks-dir --database --help -h ;;
        watch) echo --lines -n --utc --output -o --hooks-dir --database --help -h ;;
        state) echo --layer --at --host --compressvlans --output -o --hooks-dir --database --help -h ;;
        diff) echo --at --host --compressvlans --output -o --hooks-dir --database --help -h ;;
        set) echo --reason -m --pvid --tagged --later --hooks-dir --database --help -h ;;
        unset) echo --reason -m --later --hooks-dir --database --help -h ;;
        adopt) echo --reason -m --bridge --all --dry-run -n --output -o --hooks-dir --database --help -h ;;
        capture) echo --output -o --bridge --trunk --force --hooks-dir --help -h ;;
        doctor) echo --check --full --output -o --hooks-dir --database --help -h ;;
        verify) echo --host --against --export-head --archive --quick --output -o --hooks-dir --database --help -h ;;
        report) echo --guest --all --since -S --until -U --output -o --force --utc --hooks-dir --database --help -h ;;
        metrics) echo --output -o --hooks-dir --database --help -h ;;
        export) echo --since -S --until -U --bridge --kind --host --after --format --output -o --hooks-dir --database --help -h ;;
        import) echo --hooks-dir --database --help -h ;;
        archive) echo --before --dry-run --output -o --hooks-dir --database --help -h ;;
        daemon) echo --verbose -v --hooks-dir --database --help -h ;;
        install) echo --dry-run --root --python --enable --force --output -o --hooks-dir --help -h ;;
        uninstall) echo --dry-run --purge --yes -y --root --output -o --help -h ;;
        db) echo --help -h ;;
        'db status') echo --hooks-dir --database --help -h ;;
        'db upgrade') echo --hooks-dir --database --help -h ;;
    esac
}

_vlanlog_takes() {
    case "$1 $2" in
        'replay --to' | 'replay --at' | 'replay --guest' | 'replay --bridge' | 'replay --port' | 'replay --output' | 'replay -o' | 'replay --hooks-dir' | 'replay --database' | 'history --guest' | 'history --mac' | 'history --port' | 'history --bridge' | 'history --host' | 'history --since' | 'history -S' | 'history --until' | 'history -U' | 'history --vlan' | 'history --kind' | 'history --by' | 'history --lines' | 'history -n' | 'history --output' | 'history -o' | 'history --hooks-dir' | 'history --database' | 'blame --vlan' | 'blame --host' | 'blame --at' | 'blame --output' | 'blame -o' | 'blame --hooks-dir' | 'blame --database' | 'watch --lines' | 'watch -n' | 'watch --output' | 'watch -o' | 'watch --hooks-dir' | 'watch --database' | 'state --layer' | 'state --at' | 'state --host' | 'state --output' | 'state -o' | 'state --hooks-dir' | 'state --database' | 'diff --at' | 'diff --host' | 'diff --output' | 'diff -o' | 'diff --hooks-dir' | 'diff --database' | 'set --reason' | 'set -m' | 'set --pvid' | 'set --tagged' | 'set --hooks-dir' | 'set --database' | 'unset --reason' | 'unset -m' | 'unset --hooks-dir' | 'unset --database' | 'adopt --reason' | 'adopt -m' | 'adopt --bridge' | 'adopt --output' | 'adopt -o' | 'adopt --hooks-dir' | 'adopt --database' | 'capture --output' | 'capture -o' | 'capture --bridge' | 'capture --trunk' | 'capture --hooks-dir' | 'doctor --check' | 'doctor --output' | 'doctor -o' | 'doctor --hooks-dir' | 'doctor --database' | 'verify --host' | 'verify --against' | 'verify --export-head' | 'verify --archive' | 'verify --output' | 'verify -o' | 'verify --hooks-dir' | 'verify --database' | 'report --guest' | 'report --since' | 'report -S' | 'report --until' | 'report -U' | 'report --output' | 'report -o' | 'report --hooks-dir' | 'report --database' | 'metrics --output' | 'metrics -o' | 'metrics --hooks-dir' | 'metrics --database' | 'export --since' | 'export -S' | 'export --until' | 'export -U' | 'export --bridge' | 'export --kind' | 'export --host' | 'export --after' | 'export --format' | 'export --output' | 'export -o' | 'export --hooks-dir' | 'export --database' | 'import --hooks-dir' | 'import --database' | 'archive --before' | 'archive --output' | 'archive -o' | 'archive --hooks-dir' | 'archive --database' | 'daemon --hooks-dir' | 'daemon --database' | 'install --root' | 'install --python' | 'install --output' | 'install -o' | 'install --hooks-dir' | 'uninstall --root' | 'uninstall --output' | 'uninstall -o' | 'db status --hooks-dir' | 'db status --database' | 'db upgrade --hooks-dir' | 'db upgrade --database') return 0 ;;
        *) return 1 ;;
    esac
}

_vlanlog_value() {
    case "$1 $2" in
        'replay --to') _vlanlog_words desired config observed ;;
        'replay --at' | 'history --since' | 'history -S' | 'history --until' | 'history -U' | 'blame --at' | 'state --at' | 'diff --at' | 'report --since' | 'report -S' | 'report --until' | 'report -U' | 'export --since' | 'export -S' | 'export --until' | 'export -U' | 'archive --before') _vlanlog_words now today yesterday -1h -1d -7d ;;
        'replay --guest' | 'history --guest' | 'report --guest') _vlanlog_names guest ;;
        'replay --bridge' | 'history --bridge' | 'adopt --bridge' | 'capture --bridge' | 'export --bridge') _vlanlog_names bridge ;;
        'replay --port' | 'history --port' | 'capture --trunk') _vlanlog_names port ;;
        'replay --output' | 'replay -o' | 'history --output' | 'history -o' | 'blame --output' | 'blame -o' | 'watch --output' | 'watch -o' | 'state --output' | 'state -o' | 'diff --output' | 'diff -o' | 'adopt --output' | 'adopt -o' | 'doctor --output' | 'doctor -o' | 'verify --output' | 'verify -o' | 'install --output' | 'install -o' | 'uninstall --output' | 'uninstall -o') _vlanlog_words table json jsonl ;;
        'replay --hooks-dir' | 'history --hooks-dir' | 'blame --hooks-dir' | 'watch --hooks-dir' | 'state --hooks-dir' | 'diff --hooks-dir' | 'set --hooks-dir' | 'unset --hooks-dir' | 'adopt --hooks-dir' | 'capture --output' | 'capture -o' | 'capture --hooks-dir' | 'doctor --hooks-dir' | 'verify --hooks-dir' | 'report --hooks-dir' | 'metrics --hooks-dir' | 'export --hooks-dir' | 'import --hooks-dir' | 'archive --output' | 'archive -o' | 'archive --hooks-dir' | 'daemon --hooks-dir' | 'install --root' | 'install --hooks-dir' | 'uninstall --root' | 'db status --hooks-dir' | 'db upgrade --hooks-dir') _vlanlog_files -d ;;
        'history --host' | 'blame --host' | 'state --host' | 'diff --host' | 'verify --host' | 'export --host') _vlanlog_names host ;;
        'history --kind' | 'export --kind') _vlanlog_words host.booted daemon.started daemon.stopped watch.gap_opened watch.gap_closed hook.invoked hook.script_finished config.loaded config.rejected port.attached port.detached bridge.changed vlan.added vlan.removed program.intended program.finished assignment.set assignment.cleared replay.started replay.finished guest.unprogrammed guest.observed foreign.revert_delayed log.archived ;;
        'state --layer') _vlanlog_words kernel observed desired ;;
        'verify --against' | 'verify --export-head' | 'verify --archive' | 'report --output' | 'report -o' | 'metrics --output' | 'metrics -o' | 'export --after' | 'export --output' | 'export -o' | 'install --python') _vlanlog_files -f ;;
        'export --format') _vlanlog_words jsonl csv ;;
    esac
}

_vlanlog_argument() {
    case "$1 $2" in
        ' 0') _vlanlog_words replay history blame watch state diff set unset adopt capture doctor verify report metrics export import archive daemon install uninstall db ;;
        'history '0) _vlanlog_names guest mac port ;;
        'blame '0) _vlanlog_names port guest ;;
        'diff '0) _vlanlog_words kernel observed desired ;;
        'diff '1) _vlanlog_words kernel observed desired ;;
        'set '0) _vlanlog_names port guest ;;
        'unset '0) _vlanlog_names port guest ;;
        'adopt '*) _vlanlog_names port guest ;;
        'export '*) _vlanlog_names guest mac port ;;
        'import '*) _vlanlog_files -f ;;
        'db '0) _vlanlog_words status upgrade ;;
    esac
}


_vlanlog() {
    local line=${COMP_LINE:0:COMP_POINT} cur='' option='' word verb='' place=0 at
    local -a words
    # Not COMP_WORDS: there a MAC is eleven words.
    read -ra words <<<"$line"
    if [[ $line == *[[:space:]] ]]; then
        words+=('')
    fi
    cur=${words[-1]}
    COMPREPLY=()
    for ((at = 1; at < ${#words[@]} - 1; at++)); do
        word=${words[at]}
        if [[ -n $option ]]; then
            option=
        elif [[ $word == -* ]]; then
            [[ $word != *=* ]] && _vlanlog_takes "$verb" "$word" && option=$word
        elif [[ -n $(_vlanlog_below "$verb" "$word") ]]; then
            verb=$(_vlanlog_below "$verb" "$word")
        else
            ((place++))
        fi
    done
    if [[ -z $option && $cur == --*=* ]]; then
        option=${cur%%=*} cur=${cur#*=}
        _vlanlog_takes "$verb" "$option" || return 0
    fi
    if [[ -n $option ]]; then
        _vlanlog_value "$verb" "$option"
    elif [[ $cur == -* ]]; then
        _vlanlog_words $(_vlanlog_options "$verb")
    else
        _vlanlog_argument "$verb" "$place"
    fi
    # What stands before the last colon is, to readline, a word of its own.
    if [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then
        COMPREPLY=("${COMPREPLY[@]#"${cur%"${cur##*:}"}"}")
    fi
    return 0
}

complete -F _vlanlog vlanlog
