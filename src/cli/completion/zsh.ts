import { type CommandNode, wordsOf } from './command-tree.ts';
import { shellWord } from './quote.ts';
import { descents, perCommand, takesValue, values } from './state-machine.ts';

/** The completion script for zsh: to be sourced, or a file `_NAME` in the fpath. */
export function zshCompletion(root: CommandNode): string {
  const { name } = root;
  const describe = (
    all: readonly { readonly word: string; readonly description: string }[],
    flags: string,
  ): string => {
    const entries = all.map(({ description, word }) =>
      shellWord(`${word.replaceAll(':', '\\:')}:${description}`),
    );
    return `entries=(${entries.join(' ')}); _describe ${flags}${name} entries && ret=0`;
  };
  // `_describe -o` is for options alone: it offers nothing before a dash was typed.
  const wordsAndOptions = (node: CommandNode): string => {
    const words = wordsOf(node).filter(({ word }) => !word.startsWith('-'));
    const options = wordsOf(node).filter(({ word }) => word.startsWith('-'));
    return [...(words.length > 0 ? [describe(words, '')] : []), describe(options, '-o ')].join(
      '; ',
    );
  };
  const words = (all: readonly string[]): string => `compadd -- ${all.map(shellWord).join(' ')}`;
  return `#compdef ${name}
# Completion of ${name} for zsh. To load it: source <(${name} completion zsh)
_${name}() {
  local at='' value='' word i ret=1
  local -a entries
  for ((i = 2; i < CURRENT; i++)); do
    word=$words[i]
    if [[ -n $value ]]; then
      value=''
      continue
    fi
    if [[ $word == -- ]]; then
      shift $i words
      ((CURRENT -= i))
      _normal
      return
    fi
    case "$at $word" in
    ${takesValue(root)}) value=1 ;;
    esac
    case "$at/$word" in
${descents(root).join('\n')}
    esac
  done
  case "$at $words[CURRENT-1]" in
${values(root, { path: '_files; return', words: (all) => `${words(all)}; return` }).join('\n')}
  esac
  case "$at" in
${perCommand(root, wordsAndOptions).join('\n')}
  esac
  return ret
}

# zsh calls a file of the fpath as the function; otherwise it is told of it.
if [[ $funcstack[1] == _${name} ]]; then _${name} "$@"; else compdef _${name} ${name}; fi
`;
}
