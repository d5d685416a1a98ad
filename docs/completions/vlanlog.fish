# fish completion for vlanlog; made by docs/completions/build.py

function __vlanlog_at
    # Whether the words so far, options left out, begin with these: argv[1] is how many more may
    # stand behind them, or "any".
    set -l words
    for word in (commandline -opc)[2..]
        string match -q -- '-*' $word; or set -a words $word
    end
    set -l path $argv[2..]
    set -l length (count $path)
    test (count $words) -ge $length; or return 1
    test $length -eq 0; or test "$words[1..$length]" = "$path"; or return 1
    test $argv[1] = any; or test (count $words) -eq (math $length + $argv[1])
end

function __vlanlog_names
    vlanlog --complete (commandline -ct | string replace -r '^--[^=]*=' '' | string unescape) \
        $argv 2>/dev/null </dev/null
end

complete -c vlanlog -f
complete -c vlanlog -n '__vlanlog_at 0' -l version -d 'Print the version'
complete -c vlanlog -n '__vlanlog_at 0' -s h -l help -d 'Show help'

complete -c vlanlog -n '__vlanlog_at 0' -a replay -d 'Rebuild the VLANs that config and log ask for'
complete -c vlanlog -n '__vlanlog_at 0' -a history -d 'Tell a guest\'s story: when, what, by whom, why'
complete -c vlanlog -n '__vlanlog_at 0' -a blame -d 'Show which event put each VLAN on its port'
complete -c vlanlog -n '__vlanlog_at 0' -a watch -d 'Show what is recorded, as it is recorded, until Ctrl-C'
complete -c vlanlog -n '__vlanlog_at 0' -a state -d 'Show what each port carries'
complete -c vlanlog -n '__vlanlog_at 0' -a diff -d 'Show where two layers, or two times, differ'
complete -c vlanlog -n '__vlanlog_at 0' -a set -d 'Say which VLANs a port or a NIC shall carry'
complete -c vlanlog -n '__vlanlog_at 0' -a unset -d 'Withdraw a wish: the config decides again'
complete -c vlanlog -n '__vlanlog_at 0' -a adopt -d 'Make what ports carry now the wish for them'
complete -c vlanlog -n '__vlanlog_at 0' -a capture -d 'Write config files that describe this host as it runs now'
complete -c vlanlog -n '__vlanlog_at 0' -a doctor -d 'Examine this host, and say what mends what'
complete -c vlanlog -n '__vlanlog_at 0' -a verify -d 'Check the log\'s hash chain, event by event'
complete -c vlanlog -n '__vlanlog_at 0' -a report -d 'Write an auditor\'s report: one self-contained HTML file'
complete -c vlanlog -n '__vlanlog_at 0' -a metrics -d 'Write figures of this host for Prometheus'
complete -c vlanlog -n '__vlanlog_at 0' -a export -d 'Write the log, or a selection of it, to a file'
complete -c vlanlog -n '__vlanlog_at 0' -a import -d 'Take in a host\'s log that was exported'
complete -c vlanlog -n '__vlanlog_at 0' -a archive -d 'Move the beginning of this host\'s log into a compressed file'
complete -c vlanlog -n '__vlanlog_at 0' -a daemon -d 'Watch every VLAN of this host, and answer hooks and commands'
complete -c vlanlog -n '__vlanlog_at 0' -a install -d 'Lay down hooks, conf and the daemon\'s unit'
complete -c vlanlog -n '__vlanlog_at 0' -a uninstall -d 'Take away what install laid down, bring back what was there'
complete -c vlanlog -n '__vlanlog_at 0' -a db -d 'The database: status and upgrade'
complete -c vlanlog -n '__vlanlog_at 0 db' -a status -d 'Show where the log is, its schema, its last event, and what waits in the spool'
complete -c vlanlog -n '__vlanlog_at 0 db' -a upgrade -d 'Create the database, or bring its schema to this version; a newer one is refused'

complete -c vlanlog -n '__vlanlog_at any replay' -l dry-run -s n -d 'Print the plan and change nothing'
complete -c vlanlog -n '__vlanlog_at any replay' -l to -x -a 'desired config observed' -d 'What to aim at'
complete -c vlanlog -n '__vlanlog_at any replay' -l at -x -a 'now today yesterday -1h -1d -7d' -d 'As of this time, as journalctl takes it, or after this event: \'#1234\' or its id'
complete -c vlanlog -n '__vlanlog_at any replay' -l guest -x -a '(__vlanlog_names guest)' -d 'Only this guest\'s ports'
complete -c vlanlog -n '__vlanlog_at any replay' -l bridge -x -a '(__vlanlog_names bridge)' -d 'Only this bridge and its ports'
complete -c vlanlog -n '__vlanlog_at any replay' -l port -x -a '(__vlanlog_names port)' -d 'Only this port'
complete -c vlanlog -n '__vlanlog_at any replay' -l output -s o -x -a 'table json jsonl' -d 'Form of the result'
complete -c vlanlog -n '__vlanlog_at any replay' -l hooks-dir -r -F -d 'Where hooks, conf and logs lie'
complete -c vlanlog -n '__vlanlog_at any replay' -l database -x -d 'The event log'
complete -c vlanlog -n '__vlanlog_at any replay' -l help -s h -d 'Show help.'

complete -c vlanlog -n '__vlanlog_at any history' -l guest -x -a '(__vlanlog_names guest)' -d 'Only of this guest'
complete -c vlanlog -n '__vlanlog_at any history' -l mac -x -d 'Only of this NIC'
complete -c vlanlog -n '__vlanlog_at any history' -l port -x -a '(__vlanlog_names port)' -d 'Only of ports of this name'
complete -c vlanlog -n '__vlanlog_at any history' -l bridge -x -a '(__vlanlog_names bridge)' -d 'Only of it and its ports'
complete -c vlanlog -n '__vlanlog_at any history' -l host -x -a '(__vlanlog_names host)' -d 'Only on it; all of the database if left out'
complete -c vlanlog -n '__vlanlog_at any history' -l since -s S -x -a 'now today yesterday -1h -1d -7d'
complete -c vlanlog -n '__vlanlog_at any history' -l until -s U -x -a 'now today yesterday -1h -1d -7d'
complete -c vlanlog -n '__vlanlog_at any history' -l vlan -x -d 'Only what concerns one of them: 100 or 200,300-310'
complete -c vlanlog -n '__vlanlog_at any history' -l kind -x -a 'host.booted daemon.started daemon.stopped watch.gap_opened watch.gap_closed hook.invoked hook.script_finished config.loaded config.rejected port.attached port.detached bridge.changed vlan.added vlan.removed program.intended program.finished assignment.set assignment.cleared replay.started replay.finished guest.unprogrammed guest.observed foreign.revert_delayed log.archived' -d 'Only these kinds, e.g. vlan.added'
complete -c vlanlog -n '__vlanlog_at any history' -l by -x -d 'Only what this actor did: a user, a part of a command'
complete -c vlanlog -n '__vlanlog_at any history' -l lines -s n -x -d 'Only the last N lines'
complete -c vlanlog -n '__vlanlog_at any history' -l reverse -s r -d 'Newest first'
complete -c vlanlog -n '__vlanlog_at any history' -l follow -s f -d 'The last lines, then each new one, till Ctrl-C'
complete -c vlanlog -n '__vlanlog_at any history' -l oneline -d 'Nothing wraps; tabs between columns in a pipe'
complete -c vlanlog -n '__vlanlog_at any history' -l utc -d 'Times in UTC'
complete -c vlanlog -n '__vlanlog_at any history' -l output -s o -x -a 'table json jsonl' -d 'Form of the result'
complete -c vlanlog -n '__vlanlog_at any history' -l hooks-dir -r -F -d 'Where hooks, conf and logs lie'
complete -c vlanlog -n '__vlanlog_at any history' -l database -x -d 'The event log'
complete -c vlanlog -n '__vlanlog_at any history' -l help -s h -d 'Show help.'
complete -c vlanlog -n '__vlanlog_at 0 history' -a '(__vlanlog_names guest mac port)'

complete -c vlanlog -n '__vlanlog_at any blame' -l vlan -x -d 'Only this vid'
complete -c vlanlog -n '__vlanlog_at any blame' -l removed -d 'What took the VLANs that it carries no more'
complete -c vlanlog -n '__vlanlog_at any blame' -l host -x -a '(__vlanlog_names host)' -d 'Only there; all if left out'
complete -c vlanlog -n '__vlanlog_at any blame' -l at -x -a 'now today yesterday -1h -1d -7d' -d 'As of this time, as journalctl takes it, or after this event: \'#1234\' or its id'
complete -c vlanlog -n '__vlanlog_at any blame' -l utc -d 'Times in UTC'
complete -c vlanlog -n '__vlanlog_at any blame' -l output -s o -x -a 'table json jsonl' -d 'Form of the result'
complete -c vlanlog -n '__vlanlog_at any blame' -l hooks-dir -r -F -d 'Where hooks, conf and logs lie'
complete -c vlanlog -n '__vlanlog_at any blame' -l database -x -d 'The event log'
complete -c vlanlog -n '__vlanlog_at any blame' -l help -s h -d 'Show help.'
complete -c vlanlog -n '__vlanlog_at 0 blame' -a '(__vlanlog_names port guest)'

complete -c vlanlog -n '__vlanlog_at any watch' -l lines -s n -x -d 'So many of the past come first'
complete -c vlanlog -n '__vlanlog_at any watch' -l utc -d 'Times in UTC'
complete -c vlanlog -n '__vlanlog_at any watch' -l output -s o -x -a 'table json jsonl' -d 'Form of the result'
complete -c vlanlog -n '__vlanlog_at any watch' -l hooks-dir -r -F -d 'Where hooks, conf and logs lie'
complete -c vlanlog -n '__vlanlog_at any watch' -l database -x -d 'The event log'
complete -c vlanlog -n '__vlanlog_at any watch' -l help -s h -d 'Show help.'

complete -c vlanlog -n '__vlanlog_at any state' -l layer -x -a 'kernel observed desired' -d 'kernel: a dump; observed: the log; desired: config and assignments'
complete -c vlanlog -n '__vlanlog_at any state' -l at -x -a 'now today yesterday -1h -1d -7d' -d 'As of this time, as journalctl takes it, or after this event: \'#1234\' or its id'
complete -c vlanlog -n '__vlanlog_at any state' -l host -x -a '(__vlanlog_names host)' -d 'What the log of this host in the database says'
complete -c vlanlog -n '__vlanlog_at any state' -l compressvlans -d 'In JSON, neighbouring vids as ranges, as bridge does'
complete -c vlanlog -n '__vlanlog_at any state' -l output -s o -x -a 'table json jsonl' -d 'Form of the result'
complete -c vlanlog -n '__vlanlog_at any state' -l hooks-dir -r -F -d 'Where hooks, conf and logs lie'
complete -c vlanlog -n '__vlanlog_at any state' -l database -x -d 'The event log'
complete -c vlanlog -n '__vlanlog_at any state' -l help -s h -d 'Show help.'

complete -c vlanlog -n '__vlanlog_at any diff' -l at -x -a 'now today yesterday -1h -1d -7d' -d 'Twice: compare what was observed then; see \'vlanlog state --help\''
complete -c vlanlog -n '__vlanlog_at any diff' -l host -x -a '(__vlanlog_names host)' -d 'What the log of this host in the database says'
complete -c vlanlog -n '__vlanlog_at any diff' -l compressvlans -d 'In JSON, neighbouring vids as ranges, as bridge does'
complete -c vlanlog -n '__vlanlog_at any diff' -l output -s o -x -a 'table json jsonl' -d 'Form of the result'
complete -c vlanlog -n '__vlanlog_at any diff' -l hooks-dir -r -F -d 'Where hooks, conf and logs lie'
complete -c vlanlog -n '__vlanlog_at any diff' -l database -x -d 'The event log'
complete -c vlanlog -n '__vlanlog_at any diff' -l help -s h -d 'Show help.'
complete -c vlanlog -n '__vlanlog_at 0 diff' -a 'kernel observed desired'
complete -c vlanlog -n '__vlanlog_at 1 diff' -a 'kernel observed desired'

complete -c vlanlog -n '__vlanlog_at any set' -l reason -s m -x -d 'Why; it stands in the history'
complete -c vlanlog -n '__vlanlog_at any set' -l pvid -x -d 'The PVID, or \'none\'. Default: as desired'
complete -c vlanlog -n '__vlanlog_at any set' -l tagged -x -d 'e.g. 200,300-310. Default: as desired'
complete -c vlanlog -n '__vlanlog_at any set' -l later -d 'Record the wish; let the next replay carry it out'
complete -c vlanlog -n '__vlanlog_at any set' -l hooks-dir -r -F -d 'Where hooks, conf and logs lie'
complete -c vlanlog -n '__vlanlog_at any set' -l database -x -d 'The event log'
complete -c vlanlog -n '__vlanlog_at any set' -l help -s h -d 'Show help.'
complete -c vlanlog -n '__vlanlog_at 0 set' -a '(__vlanlog_names port guest)'

complete -c vlanlog -n '__vlanlog_at any unset' -l reason -s m -x -d 'Why; it stands in the history'
complete -c vlanlog -n '__vlanlog_at any unset' -l later -d 'Record the wish; let the next replay carry it out'
complete -c vlanlog -n '__vlanlog_at any unset' -l hooks-dir -r -F -d 'Where hooks, conf and logs lie'
complete -c vlanlog -n '__vlanlog_at any unset' -l database -x -d 'The event log'
complete -c vlanlog -n '__vlanlog_at any unset' -l help -s h -d 'Show help.'
complete -c vlanlog -n '__vlanlog_at 0 unset' -a '(__vlanlog_names port guest)'

complete -c vlanlog -n '__vlanlog_at any adopt' -l reason -s m -x -d 'Why; it stands in the history'
complete -c vlanlog -n '__vlanlog_at any adopt' -l bridge -x -a '(__vlanlog_names bridge)' -d 'Every port of this bridge that differs'
complete -c vlanlog -n '__vlanlog_at any adopt' -l all -d 'Every port of this host that differs'
complete -c vlanlog -n '__vlanlog_at any adopt' -l dry-run -s n -d 'Print what would be adopted'
complete -c vlanlog -n '__vlanlog_at any adopt' -l output -s o -x -a 'table json jsonl' -d 'Form of the result'
complete -c vlanlog -n '__vlanlog_at any adopt' -l hooks-dir -r -F -d 'Where hooks, conf and logs lie'
complete -c vlanlog -n '__vlanlog_at any adopt' -l database -x -d 'The event log'
complete -c vlanlog -n '__vlanlog_at any adopt' -l help -s h -d 'Show help.'
complete -c vlanlog -n '__vlanlog_at any adopt' -a '(__vlanlog_names port guest)'

complete -c vlanlog -n '__vlanlog_at any capture' -l output -s o -r -F -d 'Where to write; - for stdout. Default: conf in the hooks folder'
complete -c vlanlog -n '__vlanlog_at any capture' -l bridge -x -a '(__vlanlog_names bridge)' -d 'Only this one; may be repeated'
complete -c vlanlog -n '__vlanlog_at any capture' -l trunk -x -a '(__vlanlog_names port)' -d 'This is a trunk; may be repeated'
complete -c vlanlog -n '__vlanlog_at any capture' -l force -d 'Files that have entries make way too; kept as NAME.~1~'
complete -c vlanlog -n '__vlanlog_at any capture' -l hooks-dir -r -F -d 'Where hooks, conf and logs lie'
complete -c vlanlog -n '__vlanlog_at any capture' -l help -s h -d 'Show help.'

complete -c vlanlog -n '__vlanlog_at any doctor' -l check -x -d 'Only this one; may be repeated'
complete -c vlanlog -n '__vlanlog_at any doctor' -l full -d 'Walk all of the log\'s chain, not its end alone'
complete -c vlanlog -n '__vlanlog_at any doctor' -l output -s o -x -a 'table json jsonl' -d 'Form of the result'
complete -c vlanlog -n '__vlanlog_at any doctor' -l hooks-dir -r -F -d 'Where hooks, conf and logs lie'
complete -c vlanlog -n '__vlanlog_at any doctor' -l database -x -d 'The event log'
complete -c vlanlog -n '__vlanlog_at any doctor' -l help -s h -d 'Show help.'

complete -c vlanlog -n '__vlanlog_at any verify' -l host -x -a '(__vlanlog_names host)' -d 'Only this host\'s log; all if left out'
complete -c vlanlog -n '__vlanlog_at any verify' -l against -r -F -d 'Heads noted elsewhere: files, a journal, - for stdin'
complete -c vlanlog -n '__vlanlog_at any verify' -l export-head -r -F -d 'Write the head there, to be kept elsewhere'
complete -c vlanlog -n '__vlanlog_at any verify' -l archive -r -F -d 'Check an archive\'s file too, and that it joins'
complete -c vlanlog -n '__vlanlog_at any verify' -l quick -d 'The chain alone; snapshots are not compared'
complete -c vlanlog -n '__vlanlog_at any verify' -l output -s o -x -a 'table json jsonl' -d 'Form of the result'
complete -c vlanlog -n '__vlanlog_at any verify' -l hooks-dir -r -F -d 'Where hooks, conf and logs lie'
complete -c vlanlog -n '__vlanlog_at any verify' -l database -x -d 'The event log'
complete -c vlanlog -n '__vlanlog_at any verify' -l help -s h -d 'Show help.'

complete -c vlanlog -n '__vlanlog_at any report' -l guest -x -a '(__vlanlog_names guest)' -d 'On this guest; may be repeated'
complete -c vlanlog -n '__vlanlog_at any report' -l all -d 'On every guest of the log'
complete -c vlanlog -n '__vlanlog_at any report' -l since -s S -x -a 'now today yesterday -1h -1d -7d'
complete -c vlanlog -n '__vlanlog_at any report' -l until -s U -x -a 'now today yesterday -1h -1d -7d'
complete -c vlanlog -n '__vlanlog_at any report' -l output -s o -r -F -d 'The HTML file; - for stdout'
complete -c vlanlog -n '__vlanlog_at any report' -l force -d 'Overwrite the file'
complete -c vlanlog -n '__vlanlog_at any report' -l utc -d 'Times in UTC'
complete -c vlanlog -n '__vlanlog_at any report' -l hooks-dir -r -F -d 'Where hooks, conf and logs lie'
complete -c vlanlog -n '__vlanlog_at any report' -l database -x -d 'The event log'
complete -c vlanlog -n '__vlanlog_at any report' -l help -s h -d 'Show help.'

complete -c vlanlog -n '__vlanlog_at any metrics' -l output -s o -r -F -d 'The textfile; - for stdout'
complete -c vlanlog -n '__vlanlog_at any metrics' -l hooks-dir -r -F -d 'Where hooks, conf and logs lie'
complete -c vlanlog -n '__vlanlog_at any metrics' -l database -x -d 'The event log'
complete -c vlanlog -n '__vlanlog_at any metrics' -l help -s h -d 'Show help.'

complete -c vlanlog -n '__vlanlog_at any export' -l since -s S -x -a 'now today yesterday -1h -1d -7d'
complete -c vlanlog -n '__vlanlog_at any export' -l until -s U -x -a 'now today yesterday -1h -1d -7d'
complete -c vlanlog -n '__vlanlog_at any export' -l bridge -x -a '(__vlanlog_names bridge)' -d 'Only what is about it or its ports'
complete -c vlanlog -n '__vlanlog_at any export' -l kind -x -a 'host.booted daemon.started daemon.stopped watch.gap_opened watch.gap_closed hook.invoked hook.script_finished config.loaded config.rejected port.attached port.detached bridge.changed vlan.added vlan.removed program.intended program.finished assignment.set assignment.cleared replay.started replay.finished guest.unprogrammed guest.observed foreign.revert_delayed log.archived' -d 'Only these kinds, e.g. vlan.added'
complete -c vlanlog -n '__vlanlog_at any export' -l host -x -a '(__vlanlog_names host)' -d 'Whose log; this host\'s if left out'
complete -c vlanlog -n '__vlanlog_at any export' -l after -r -F -d 'What follows a head from \'verify --export-head\''
complete -c vlanlog -n '__vlanlog_at any export' -l format -x -a 'jsonl csv' -d 'By the file\'s name if left out'
complete -c vlanlog -n '__vlanlog_at any export' -l output -s o -r -F -d '.gz and .xz are compressed'
complete -c vlanlog -n '__vlanlog_at any export' -l hooks-dir -r -F -d 'Where hooks, conf and logs lie'
complete -c vlanlog -n '__vlanlog_at any export' -l database -x -d 'The event log'
complete -c vlanlog -n '__vlanlog_at any export' -l help -s h -d 'Show help.'
complete -c vlanlog -n '__vlanlog_at any export' -a '(__vlanlog_names guest mac port)'

complete -c vlanlog -n '__vlanlog_at any import' -l hooks-dir -r -F -d 'Where hooks, conf and logs lie'
complete -c vlanlog -n '__vlanlog_at any import' -l database -x -d 'The event log'
complete -c vlanlog -n '__vlanlog_at any import' -l help -s h -d 'Show help.'
complete -c vlanlog -n '__vlanlog_at any import' -F

complete -c vlanlog -n '__vlanlog_at any archive' -l before -x -a 'now today yesterday -1h -1d -7d' -d 'What is older; 13 months if left out'
complete -c vlanlog -n '__vlanlog_at any archive' -l dry-run -d 'Say what would go, and how big it would be'
complete -c vlanlog -n '__vlanlog_at any archive' -l output -s o -r -F -d 'Where the files lie'
complete -c vlanlog -n '__vlanlog_at any archive' -l hooks-dir -r -F -d 'Where hooks, conf and logs lie'
complete -c vlanlog -n '__vlanlog_at any archive' -l database -x -d 'The event log'
complete -c vlanlog -n '__vlanlog_at any archive' -l help -s h -d 'Show help.'

complete -c vlanlog -n '__vlanlog_at any daemon' -l verbose -s v -d 'Say what is done, in detail'
complete -c vlanlog -n '__vlanlog_at any daemon' -l hooks-dir -r -F -d 'Where hooks, conf and logs lie'
complete -c vlanlog -n '__vlanlog_at any daemon' -l database -x -d 'The event log'
complete -c vlanlog -n '__vlanlog_at any daemon' -l help -s h -d 'Show help.'

complete -c vlanlog -n '__vlanlog_at any install' -l dry-run -d 'List every file and what would become of it, only'
complete -c vlanlog -n '__vlanlog_at any install' -l root -r -F -d 'The image to work on, instead of this host'
complete -c vlanlog -n '__vlanlog_at any install' -l python -r -F -d 'The interpreter for the hooks; this one if left out'
complete -c vlanlog -n '__vlanlog_at any install' -l enable -d 'Have systemd start the daemon, now and at boot'
complete -c vlanlog -n '__vlanlog_at any install' -l force -d 'Replace scripts that someone changed; they are kept'
complete -c vlanlog -n '__vlanlog_at any install' -l output -s o -x -a 'table json jsonl' -d 'Form of the result'
complete -c vlanlog -n '__vlanlog_at any install' -l hooks-dir -r -F -d 'Where hooks, conf and logs lie'
complete -c vlanlog -n '__vlanlog_at any install' -l help -s h -d 'Show help.'

complete -c vlanlog -n '__vlanlog_at any uninstall' -l dry-run -d 'List every file and what would become of it, only'
complete -c vlanlog -n '__vlanlog_at any uninstall' -l purge -d 'Delete the log of events and all of vlanlog\'s data too'
complete -c vlanlog -n '__vlanlog_at any uninstall' -l yes -s y -d 'Do not ask before --purge'
complete -c vlanlog -n '__vlanlog_at any uninstall' -l root -r -F -d 'The image to work on, instead of this host'
complete -c vlanlog -n '__vlanlog_at any uninstall' -l output -s o -x -a 'table json jsonl' -d 'Form of the result'
complete -c vlanlog -n '__vlanlog_at any uninstall' -l help -s h -d 'Show help.'

complete -c vlanlog -n '__vlanlog_at any db' -l help -s h -d 'Show help.'

complete -c vlanlog -n '__vlanlog_at any db status' -l hooks-dir -r -F -d 'Where hooks, conf and logs lie'
complete -c vlanlog -n '__vlanlog_at any db status' -l database -x -d 'The event log'
complete -c vlanlog -n '__vlanlog_at any db status' -l help -s h -d 'Show help.'

complete -c vlanlog -n '__vlanlog_at any db upgrade' -l hooks-dir -r -F -d 'Where hooks, conf and logs lie'
complete -c vlanlog -n '__vlanlog_at any db upgrade' -l database -x -d 'The event log'
complete -c vlanlog -n '__vlanlog_at any db upgrade' -l help -s h -d 'Show help.'
