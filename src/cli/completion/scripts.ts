import { TrigateError } from '../../domain/errors.ts';
import { nearest } from '../../domain/nearest.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;
type ShellName = (typeof SHELLS)[number];

/** The script that makes a shell complete our command lines. @throws TrigateError INVALID_ARGUMENT */
export function completionScript(name: string): string {
  const shell = SHELLS.find((each) => each === name);
  if (shell !== undefined) return scripts[shell];
  const meant = nearest(name, SHELLS);
  const text = `The shell must be ${SHELLS.join(', ')}, found ${JSON.stringify(name)}.`;
  throw new TrigateError('INVALID_ARGUMENT', meant === undefined ? text : `${text} Did you mean ${meant}?`);
}

/*
 * Each hands the words of the line to "__complete" and offers what comes back: candidates, a description behind a tab,
 * and at the end ":0" when files may be offered where there is nothing else.
 */

// "=" and ":" divide words for bash: they are put together again, and what stands before them is left out of the reply.
const bash = `# bash completion for trigate and kubeless: source <(trigate completion bash)
_trigate() {
  local out line i last
  local -a words=()
  for ((i = 1; i <= COMP_CWORD; i++)); do
    last=$((\${#words[@]} - 1))
    if ((last >= 0)) && [[ \${COMP_WORDS[i]} == [=:]* || \${words[last]} == *[=:] ]]; then
      words[last]+=\${COMP_WORDS[i]}
    else
      words+=("\${COMP_WORDS[i]}")
    fi
  done
  local current="\${words[\${#words[@]} - 1]}"
  local before=""
  [[ $current == *[=:]* ]] && before="\${current%"\${current##*[=:]}"}"
  COMPREPLY=()
  out=$("\${COMP_WORDS[0]}" __complete "\${words[@]}" 2>/dev/null) || return 0
  while IFS= read -r line; do
    case $line in
      :0) ((\${#COMPREPLY[@]} == 0)) && compopt -o default 2>/dev/null ;;
      :[0-9]*) ;;
      *)
        line=\${line%%$'\\t'*}
        [[ $line == *= ]] && compopt -o nospace 2>/dev/null
        COMPREPLY+=("\${line#"$before"}")
        ;;
    esac
  done <<<"$out"
}
complete -F _trigate trigate kubeless
`;

const zsh = `#compdef trigate kubeless
# zsh completion for trigate and kubeless: source <(trigate completion zsh)
_trigate() {
  local out line directive=:4
  local -a candidates
  out=$("\${(Q)words[1]}" __complete "\${(@Q)words[2,CURRENT]}" 2>/dev/null) || return 1
  for line in "\${(@f)out}"; do
    case $line in
      :<->) directive=$line ;;
      *$'\\t'*) candidates+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}") ;;
      ?*) candidates+=("\${line//:/\\\\:}") ;;
    esac
  done
  if ((\${#candidates})); then
    _describe -t values value candidates
  elif [[ $directive == :0 ]]; then
    _files
  fi
}
if [[ $funcstack[1] == _trigate ]]; then
  _trigate "$@"
else
  compdef _trigate trigate kubeless
fi
`;

const fish = `# fish completion for trigate and kubeless: trigate completion fish | source
function __trigate_complete
    set -l words (commandline -opc)
    set -l program $words[1]
    set -e words[1]
    set -l current (commandline -ct)
    set -l lines ($program __complete $words "$current" 2>/dev/null)
    set -l directive $lines[-1]
    set -e lines[-1]
    if test (count $lines) -gt 0
        printf '%s\\n' $lines
    else if test "$directive" = ":0"
        __fish_complete_path "$current"
    end
end
complete -c trigate -f -a '(__trigate_complete)'
complete -c kubeless -f -a '(__trigate_complete)'
`;

const scripts: Readonly<Record<ShellName, string>> = { bash, zsh, fish };
