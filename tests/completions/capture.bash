# Prints what bash offers for each of the lines $2 ..., behind the line. $1 is the completion's folder.
COMP_WORDBREAKS=$' \t\n"\'><=;|&(:'
source "$1/vlanlog.bash"
complete -p vlanlog >/dev/null || exit 3
for line in "${@:2}"; do
    printf '=%s\n' "$line"
    COMP_LINE=$line COMP_POINT=${#line}
    _vlanlog
    ((${#COMPREPLY[@]})) && printf ' %s\n' "${COMPREPLY[@]}"
done
exit 0
