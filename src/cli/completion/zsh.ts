import { SERVER_OPTIONS } from './asked.ts';
import { type CommandNode, wordsOf } from './command-tree.ts';
import { shellWord } from './quote.ts';
import {
  asking,
  descents,
  perCommand,
  programPatterns,
  serverPattern,
  takesValue,
  values,
} from './state-machine.ts';

/** The completion script for zsh: to be sourced, or a file `_NAME` in the fpath. */
export function zshCompletion(root: CommandNode): string {
  const { name } = root;
  const serverWords = serverPattern();
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
  local at='' value='' program=$words[1] word i ret=1
  local -i count=0
  local -a entries server
  for ((i = 2; i < CURRENT; i++)); do
    word=$words[i]
    if [[ -n $value ]]; then
      case $value in
      ${SERVER_OPTIONS.join(' | ')}) server+=("$value=\${word/#\\~\\//$HOME/}") ;;
      esac
      value=''
      continue
    fi
    if [[ $word == -- ]]; then
      _${name}_program $i
      return
    fi
    case $word in
    ${serverWords}) server+=("$word") ;;
    esac
    case "$at $word" in
    ${takesValue(root)})
      value=$word
      continue
      ;;
    esac
    case "$at/$word" in
${descents(root).join('\n')}
    esac
    [[ $word != -* ]] || continue
    case "$at $count" in
    ${programPatterns(root)})
      _${name}_program $((i - 1))
      return
      ;;
    esac
    count+=1
  done
  case "$at $words[CURRENT-1]" in
${values(root, {
  path: '_files; return',
  asked: (what) => `_${name}_ask ${what}; return`,
  words: (all) => `${words(all)}; return`,
}).join('\n')}
  esac
  if [[ -n $words[CURRENT] && $words[CURRENT] != -* ]]; then
    case "$at $count" in
    ${programPatterns(root)})
      _${name}_program $((CURRENT - 1))
      return
      ;;
    esac
  fi
  case "$at" in
${perCommand(root, wordsAndOptions).join('\n')}
  esac
  if [[ $words[CURRENT] != -* ]]; then
    case "$at" in
${asking(root, (what) => `_${name}_ask ${what} && ret=0`).join('\n')}
    esac
  fi
  return ret
}

# What the server has.
_${name}_ask() {
  local line
  local -a entries
  for line in \${(f)"$($program complete $1 $server 2>/dev/null)"}; do
    entries+=("\${\${line%%$'\t'*}//:/\\:}:\${line#*$'\t'}")
  done
  _describe ${name} entries
}

# The program that is run, and what follows it, after so many words.
_${name}_program() {
  shift $1 words
  ((CURRENT -= $1))
  _normal
}

# zsh calls a file of the fpath as the function; otherwise it is told of it.
if [[ $funcstack[1] == _${name} ]]; then _${name} "$@"; else compdef _${name} ${name}; fi
`;
}
