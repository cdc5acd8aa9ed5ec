import { ASKED, SERVER_OPTIONS, SERVER_SWITCHES } from './asked.ts';
import { allCommands, type CommandNode, type OptionNode } from './command-tree.ts';
import { fishWord } from './quote.ts';

/** The completion script for fish, 3 or later. */
export function fishCompletion(root: CommandNode): string {
  const { name } = root;
  const all = allCommands(root);
  const valued = all.flatMap(({ options, path }) =>
    options
      .filter(({ value }) => value !== 'none')
      .flatMap(({ flags }) => flags.map((flag) => fishWord(`${path} ${flag}`))),
  );
  const paths = all.filter(({ path }) => path !== '').map(({ path }) => fishWord(path));
  const programs = all
    .filter(({ wordsBeforeProgram }) => wordsBeforeProgram !== undefined)
    .map(({ path, wordsBeforeProgram }) => fishWord(`${path} ${wordsBeforeProgram}`));
  const at = (path: string): string => `-n ${fishWord(`__${name}_at ${fishWord(path)}`)}`;
  const optionLine = (path: string, option: OptionNode): string =>
    `complete -c ${name} ${at(path)} ${optionFlags(name, option)}`;
  const lines = all.flatMap((node) => [
    ...node.commands.map(
      (inner) =>
        `complete -c ${name} ${at(node.path)} -a ${fishWord(inner.name)} -d ${fishWord(inner.description)}`,
    ),
    ...node.words.map((word) => `complete -c ${name} ${at(node.path)} -a ${fishWord(word)}`),
    ...(node.asked === undefined
      ? []
      : [`complete -c ${name} ${at(node.path)} -a ${asking(name, node.asked)}`]),
    ...node.options.map((option) => optionLine(node.path, option)),
  ]);
  return `# Completion of ${name} for fish. To load it: ${name} completion fish | source

# The path of the command that the words lead to, and after it, where a program has begun, the
# number of its first word.
function __${name}_path
    set -l path ''
    set -l value ''
    set -l count 0
    set -l words (commandline -opc)
    set -l i 1
    while test $i -lt (count $words)
        set i (math $i + 1)
        set -l word $words[$i]
        if test -n "$value"
            set value ''
            continue
        end
        if test "$word" = --
            echo "$path" (math $i + 1)
            return
        end
        if contains -- "$path $word" ${valued.join(' ')}
            set value 1
            continue
        end
        if contains -- "$path/$word" ${paths.join(' ')}
            set path "$path/$word"
            continue
        end
        string match -q -- '-*' "$word"; and continue
        if contains -- "$path $count" ${programs.join(' ')}
            echo "$path" $i
            return
        end
        set count (math $count + 1)
    end
    set -l word (commandline -ct)
    if test -n "$word" -a -z "$value"; and not string match -q -- '-*' "$word"
        if contains -- "$path $count" ${programs.join(' ')}
            echo "$path" (math $i + 1)
            return
        end
    end
    echo $path
end

function __${name}_at
    test (__${name}_path) = "$argv[1]"
end

# The words of the program that is run.
function __${name}_program
    set -l begin (string split ' ' -- (__${name}_path))[2]
    set -l words (commandline -opc) (commandline -ct)
    complete -C (string join ' ' -- (string escape -- $words[$begin..-1]))
end

# What the server has.
function __${name}_ask
    set -l words (commandline -opc)
    set -l server (string match -r -- '^(?:--(?:${SERVER_OPTIONS.map((flag) => flag.slice(2)).join('|')})=.*|${SERVER_SWITCHES.join('|')})$' $words)
    for flag in ${SERVER_OPTIONS.join(' ')}
        if set -l i (contains -i -- $flag $words)
            set -a server $flag=(string replace -r '^~/' "$HOME/" -- $words[(math $i + 1)])
        end
    end
    $words[1] complete $argv[1] $server 2>/dev/null
end

complete -c ${name} -f
complete -c ${name} -n 'string match -q -- "* *" (__${name}_path)' -a ${fishWord(`(__${name}_program)`)}
${lines.join('\n')}
`;
}

function optionFlags(name: string, { description, flags, value }: OptionNode): string {
  const names = flags.map((flag) =>
    flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`,
  );
  return `${names.join(' ')}${valueFlags(name, value)} -d ${fishWord(description)}`;
}

function valueFlags(name: string, value: OptionNode['value']): string {
  if (value === 'none') return '';
  if (value === 'path') return ' -r -F';
  if (value === 'any') return ' -x';
  const asked = ASKED.find((what) => what === value);
  if (asked !== undefined) return ` -x -a ${asking(name, asked)}`;
  return ` -x -a ${fishWord(typeof value === 'string' ? value : value.join(' '))}`;
}

function asking(name: string, what: string): string {
  return fishWord(`(__${name}_ask ${what})`);
}
