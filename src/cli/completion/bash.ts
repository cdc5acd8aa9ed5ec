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

/** The completion script for bash, 3.2 or later. */
export function bashCompletion(root: CommandNode): string {
  const { name } = root;
  const serverWords = serverPattern();
  const files = `_${name}_complete -f`;
  const words = (all: readonly string[]): string =>
    `_${name}_complete -W ${shellWord(all.join('\n'))}`;
  return `# Completion of ${name} for bash. To load it: source <(${name} completion bash)
_${name}_complete() {
  local IFS=$'\\n'
  COMPREPLY=($(compgen "$@" -- "\${COMP_WORDS[COMP_CWORD]}"))
}

# What the server has. Not by compgen -W, which would do what is in the words. Of a word that
# bash has split at = or :, the last part is replaced.
_${name}_ask() {
  local word rest
  while IFS=$'\t' read -r word rest; do
    [[ $word != "$current"* ]] || COMPREPLY+=("$(printf %q "\${word#"$before"}")")
  done < <("\${COMP_WORDS[0]}" complete "$1" \${server[@]+"\${server[@]}"} 2>/dev/null)
}

_${name}_program() {
  compopt -o filenames 2>/dev/null
  if (($1 < last)) || [[ $current == */* ]]; then
    ${files}
  else
    _${name}_complete -c
  fi
}

_${name}() {
  local at='' value='' before='' word part='' i words=() server=()
  local -i count=0 last
  COMPREPLY=()
  for ((i = 0; i <= COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [[ $i -gt 1 && ($word == [=:]* || $part == [=:]*) ]]; then
      before=\${words[\${#words[@]} - 1]}
      words[\${#words[@]} - 1]+=$word
      [[ $word != [=:]* ]] || before+=$word
    else
      before=''
      words+=("$word")
    fi
    part=$word
  done
  last=$((\${#words[@]} - 1))
  local current=\${words[last]}
  for ((i = 1; i < last; i++)); do
    word=\${words[i]}
    if [[ -n $value ]]; then
      case $value in
      ${SERVER_OPTIONS.join(' | ')}) server+=("$value=\${word/#\\~\\//$HOME/}") ;;
      esac
      value=''
      continue
    fi
    if [[ $word == -- ]]; then
      _${name}_program $((i + 1))
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
      _${name}_program $i
      return
      ;;
    esac
    count=$((count + 1))
  done
  case "$at \${words[last - 1]}" in
${values(root, {
  path: `compopt -o filenames 2>/dev/null; ${files}; return`,
  asked: (what) => `_${name}_ask ${what}; return`,
  words: (all) => `${words(all)}; return`,
}).join('\n')}
  esac
  word=$current
  if [[ -n $word && $word != -* ]]; then
    case "$at $count" in
    ${programPatterns(root)})
      _${name}_program $last
      return
      ;;
    esac
  fi
  case "$at" in
${perCommand(root, (node) => words(wordsOf(node).map(({ word }) => word))).join('\n')}
  esac
  [[ $word != -* ]] || return
  case "$at" in
${asking(root, (what) => `_${name}_ask ${what}`).join('\n')}
  esac
}

complete -F _${name} ${name}
`;
}
