# SPDX-License-Identifier: MIT
# bash completion for xenstore, xenstore-* and xenstore-control. Paths are asked of the running
# server, one directory at a time.

# Paths that begin with the word, one for each child of its directory.
_xenstore_paths() { # WORD
	local word=$1 parent
	case $word in
	*/*) parent=${word%/*}; parent=${parent:-/} ;;
	*) parent= ;;
	esac
	if [[ -z $parent ]]; then
		# Relative paths begin at the home of the domain; "" has no children to list.
		[[ -z $word ]] && echo /
		return
	fi
	xenstore-list -p "$parent" 2>/dev/null
}

# Completes a path. No blank goes behind one that has something below it.
_xenstore_complete_path() { # WORD
	local path
	mapfile -t COMPREPLY < <(compgen -W "$(_xenstore_paths "$1")" -- "$1")
	if [[ ${#COMPREPLY[@]} -eq 1 ]]; then
		path=${COMPREPLY[0]}
		if [[ $path == / ]]; then
			compopt -o nospace 2>/dev/null
		elif [[ -n $(xenstore-list "$path" 2>/dev/null) ]]; then
			compopt -o nospace 2>/dev/null
			COMPREPLY=("$path/")
		fi
	fi
}

_xenstore_options() { # MODE
	case $1 in
	read) echo "-p -R --prefix --raw --json" ;;
	write) echo "-R --raw" ;;
	list) echo "-p --prefix --json" ;;
	ls) echo "-f -p -d --flat --prefix --full --width --depth --owner --json" ;;
	rm) echo "-t --tidy" ;;
	chmod) echo "-u -r --upto --recurse" ;;
	watch) echo "-n -d --number --depth --value --time --json" ;;
	import) echo "--drop-others --values-only" ;;
	diff) echo "--values-only --json" ;;
	esac
	echo "-h --help --version"
}

# The operands in front of the word that is being completed, options and their values left out.
_xenstore_count_operands() { # INDEX_OF_FIRST
	local i n=0
	for ((i = $1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-n | -d | --number | --depth | --width | --owner) ((i++)) ;;
		-*) ;;
		*) ((n++)) ;;
		esac
	done
	echo "$n"
}

_xenstore_mode() { # MODE WORD PREVIOUS INDEX_OF_FIRST_ARGUMENT
	local mode=$1 word=$2 previous=$3 n
	case $previous in
	-n | -d | --number | --depth | --width | --owner) return ;;
	esac
	if [[ $word == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_xenstore_options "$mode")" -- "$word")
		return
	fi
	n=$(_xenstore_count_operands "$4")
	case $mode in
	write) ((n % 2 == 0)) && _xenstore_complete_path "$word" ;;
	chmod)
		if ((n == 0)); then
			_xenstore_complete_path "$word"
		else
			mapfile -t COMPREPLY < <(compgen -W "n r w b" -- "$word")
			compopt -o nospace 2>/dev/null
		fi
		;;
	export) ((n == 0)) && _xenstore_complete_path "$word" ;;
	import)
		if ((n == 0)); then
			_xenstore_complete_path "$word"
		elif ((n == 1)); then
			mapfile -t COMPREPLY < <(compgen -f -- "$word")
			compopt -o filenames 2>/dev/null
		fi
		;;
	diff) ((n < 2)) && _xenstore_complete_path "$word" ;;
	read | list | ls | exists | rm | watch) _xenstore_complete_path "$word" ;;
	esac
}

_xenstore() {
	local command=${1##*/} word=$2 previous=$3
	COMPREPLY=()
	if [[ $command == xenstore-* ]]; then
		_xenstore_mode "${command#xenstore-}" "$word" "$previous" 1
	elif ((COMP_CWORD == 1)); then
		mapfile -t COMPREPLY < <(compgen -W "read write list ls exists rm chmod watch \
			export import diff --help --version" -- "$word")
	else
		_xenstore_mode "${COMP_WORDS[1]}" "$word" "$previous" 2
	fi
}

# The server knows its commands: one on each line of its help that does not begin with a blank.
_xenstore_control() {
	local word=$2
	COMPREPLY=()
	if ((COMP_CWORD == 1)); then
		mapfile -t COMPREPLY < <(compgen -W "--help --version $(xenstore-control help \
			2>/dev/null | sed -n 's/^\([a-z][a-z-]*\).*/\1/p')" -- "$word")
	elif [[ ${COMP_WORDS[1]} == live-update ]]; then
		if [[ $word == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W "-c -t -F -v" -- "$word")
		else
			mapfile -t COMPREPLY < <(compgen -f -- "$word")
			compopt -o filenames 2>/dev/null
		fi
	fi
}

complete -F _xenstore xenstore xenstore-read xenstore-write xenstore-list xenstore-ls \
	xenstore-exists xenstore-rm xenstore-chmod xenstore-watch
complete -F _xenstore_control xenstore-control
