import { Command } from 'commander';
import { addExamples } from './examples.ts';
import { tokenInspectCommand } from './token-inspect.ts';
import { tokenNarrowCommand } from './token-narrow.ts';
import { tokenNewCommand } from './token-new.ts';

/** `runlet token` */
export function tokenCommand(): Command {
  const command = new Command('token')
    .addCommand(tokenNewCommand())
    .addCommand(tokenNarrowCommand())
    .addCommand(tokenInspectCommand());
  return addExamples(command, [
    {
      command: 'runlet token new ci --append "$FOLDER/tokens"',
      does: 'Make a token, and let a server know it',
      prints: /^rlt1\.[\w-]{43}\n$/,
    },
  ]);
}
