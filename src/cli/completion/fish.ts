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
  const at = (path: string): string => `-n ${fishWord(`__${name}_at ${fishWord(path)}`)}`;
  const lines = all.flatMap((node) => [
    ...node.commands.map(
      (inner) =>
        `complete -c ${name} ${at(node.path)} -a ${fishWord(inner.name)} -d ${fishWord(inner.description)}`,
    ),
    ...node.words.map((word) => `complete -c ${name} ${at(node.path)} -a ${fishWord(word)}`),
    ...node.options.map((option) => `complete -c ${name} ${at(node.path)} ${optionFlags(option)}`),
  ]);
  return `# Completion of ${name} for fish. To load it: ${name} completion fish | source

# The path of the command that the words lead to, and -- after it where a program follows.
function __${name}_path
    set -l path ''
    set -l value ''
    for word in (commandline -opc)[2..-1]
        if test -n "$value"
            set value ''
            continue
        end
        if test "$word" = --
            echo "$path --"
            return
        end
        contains -- "$path $word" ${valued.join(' ')}; and set value 1
        contains -- "$path/$word" ${paths.join(' ')}; and set path "$path/$word"
    end
    echo $path
end

function __${name}_at
    test (__${name}_path) = "$argv[1]"
end

# The words of the program that is run, from the -- on.
function __${name}_program
    set -l words (commandline -opc) (commandline -ct)
    set -l begin (contains -i -- -- $words)
    complete -C (string join ' ' -- (string escape -- $words[(math $begin + 1)..-1]))
end

complete -c ${name} -f
complete -c ${name} -n 'string match -q -- "* --" (__${name}_path)' -a ${fishWord(`(__${name}_program)`)}
${lines.join('\n')}
`;
}

function optionFlags({ description, flags, value }: OptionNode): string {
  const names = flags.map((flag) =>
    flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`,
  );
  const kinds = { none: '', path: ' -r -F', any: ' -x' } as const;
  const values = typeof value === 'string' ? kinds[value] : ` -x -a ${fishWord(value.join(' '))}`;
  return `${names.join(' ')}${values} -d ${fishWord(description)}`;
}
