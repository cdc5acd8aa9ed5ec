import { type CommandNode, wordsOf } from './command-tree.ts';
import { shellWord } from './quote.ts';
import { descents, perCommand, takesValue, values } from './state-machine.ts';

/** The completion script for bash, 3.2 or later. */
export function bashCompletion(root: CommandNode): string {
  const { name } = root;
  const files = `_${name}_complete -f`;
  const words = (all: readonly string[]): string =>
    `_${name}_complete -W ${shellWord(all.join('\n'))}`;
  return `# Completion of ${name} for bash. To load it: source <(${name} completion bash)
_${name}_complete() {
  local IFS=$'\\n'
  COMPREPLY=($(compgen "$@" -- "\${COMP_WORDS[COMP_CWORD]}"))
}

_${name}() {
  local at='' value='' word i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [[ -n $value ]]; then
      value=''
      continue
    fi
    if [[ $word == -- ]]; then
      compopt -o filenames 2>/dev/null
      if ((i == COMP_CWORD - 1)); then _${name}_complete -c; else ${files}; fi
      return
    fi
    case "$at $word" in
    ${takesValue(root)}) value=1 ;;
    esac
    case "$at/$word" in
${descents(root).join('\n')}
    esac
  done
  case "$at \${COMP_WORDS[COMP_CWORD - 1]}" in
${values(root, {
  path: `compopt -o filenames 2>/dev/null; ${files}; return`,
  words: (all) => `${words(all)}; return`,
}).join('\n')}
  esac
  case "$at" in
${perCommand(root, (node) => words(wordsOf(node).map(({ word }) => word))).join('\n')}
  esac
}

complete -F _${name} ${name}
`;
}
