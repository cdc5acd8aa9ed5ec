import { Argument, Command } from 'commander';
import { bashCompletion } from './completion/bash.ts';
import { type CommandNode, commandTree } from './completion/command-tree.ts';
import { fishCompletion } from './completion/fish.ts';
import { zshCompletion } from './completion/zsh.ts';
import { addExamples } from './examples.ts';
import { printLine } from './print.ts';

const SCRIPTS = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
} satisfies Readonly<Record<string, (root: CommandNode) => string>>;

/** `runlet completion` */
export function completionCommand(): Command {
  const command = new Command('completion')
    .addArgument(new Argument('<shell>', 'the shell').choices(Object.keys(SCRIPTS)))
    .action(async (shell: keyof typeof SCRIPTS) => {
      const program = command.parent;
      if (program === null) throw new Error('a command without its program');
      await printLine(SCRIPTS[shell](commandTree(program)).trimEnd());
    });
  return addExamples(command, [
    {
      command: 'runlet completion bash',
      does: 'For bash: source <(runlet completion bash)',
      prints: /\ncomplete -F _runlet runlet\n$/,
    },
    {
      command: 'runlet completion zsh',
      does: 'For zsh, as a file _runlet in a folder of the fpath',
      prints: /^#compdef runlet\n/,
    },
    {
      command: 'runlet completion fish',
      does: 'For fish, as ~/.config/fish/completions/runlet.fish',
      prints: /complete -c runlet/,
    },
  ]);
}
