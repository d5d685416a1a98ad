# Prints what fish offers for each of the lines $argv[2..], behind the line. $argv[1] is the folder.
source $argv[1]/vlanlog.fish
for line in $argv[2..]
    echo "=$line"
    complete -C $line | string replace -r '\t.*' '' | string replace -r '^' ' '
end
true
