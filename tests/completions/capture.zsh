# Prints what zsh offers for each of the lines $2 ..., behind the line: a shell in a terminal is given
# it and Tab. $1 is the completion's folder.
zmodload zsh/zpty || exit 3
here=${0:A:h}
for line in "${@:2}"; do
    print -r -- "=$line"
    zpty offered zsh -f -i
    zpty -w offered "fpath=(${(q)1} \$fpath); source ${(q)here}/offered.zsh"
    zpty -r offered begun '*READY*' || exit 3
    zpty -w -n offered "$line"$'\t'
    zpty -r offered told '*<ENDS>*' || exit 3
    print -r -- "${${told##*<OFFERS>}%%<ENDS>*}" | tr -d '\r'
    zpty -d offered
done
