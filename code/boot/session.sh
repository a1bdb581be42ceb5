# Runs the snippets of a session one after another in one shell (prestart.go). Package pool says how a turn
# begins and ends.
exec {mcpbox_in}<&0 </dev/null
mcpbox_turn() {
	local LC_ALL=C mark size head part data name rest
	IFS= read -r -u "$mcpbox_in" mark || exit 0
	IFS= read -r -N 8 -u "$mcpbox_in" size
	# The head has NULs, which a shell can't keep: they are the ends of its words.
	local left=$((16#$size)) words=()
	while ((left > 0)); do
		IFS= read -r -d '' -n "$left" -u "$mcpbox_in" part
		words+=("$part")
		left=$((left - ${#part} - 1))
	done
	local count=${words[0]} i
	mcpbox_args=("${words[@]:1:count}")
	mcpbox_code=
	for ((i = 1 + count; i < ${#words[@]}; i += 2)); do
		name=${words[i]} size=${words[i + 1]}
		if [ -z "$mcpbox_code" ]; then
			mcpbox_code=$name
		elif [ -z "$name" ]; then
			name=/tmp/.mcpbox-stdin
		fi
		mkdir -p "${name%/*}"
		head -c "$size" <&"$mcpbox_in" >"$name"
	done
	mcpbox_mark=$mark
}
printf '\0'
while :; do
	mcpbox_turn
	[ -e /tmp/.mcpbox-stdin ] && exec </tmp/.mcpbox-stdin || exec </dev/null
	rm -f /tmp/.mcpbox-stdin
	. "$mcpbox_code" "${mcpbox_args[@]}"
	mcpbox_status=$?
	printf '\0%s\n' "$mcpbox_mark" >&2
	printf '\0%s %d\n' "$mcpbox_mark" "$mcpbox_status"
done
