# Has a shell print what it would offer in place of offering it; capture.zsh reads that.
PROMPT=
unsetopt zle_bracketed_paste 2>/dev/null
autoload -U compinit && compinit -D -u
bindkey '^I' complete-word
zstyle ':completion:*' insert-tab false
begins() { print -rn -- '<''OFFERS>' }
ends() { print -rn -- '<''ENDS>' }
compprefuncs=(begins)
comppostfuncs=(ends)
compadd() {
    # With these it fills arrays for its caller, and offers nothing.
    if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then
        builtin compadd "$@"
        return
    fi
    local -a hits
    builtin compadd -A hits "$@"
    (( $#hits )) && print -rl -- '' ' '$^hits
    builtin compadd "$@"
}
print -rn -- 'REA''DY'
