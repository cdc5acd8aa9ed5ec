import { Command } from 'commander';
import { addExamples } from './examples.ts';
import { catCommand } from './files-cat.ts';
import { lsCommand } from './files-ls.ts';
import { mkdirCommand } from './files-mkdir.ts';
import { mvCommand } from './files-mv.ts';
import { rmCommand } from './files-rm.ts';
import { statCommand } from './files-stat.ts';
import { watchCommand } from './files-watch.ts';

/** `runlet files` */
export function filesCommand(): Command {
  const command = new Command('files')
    .addCommand(lsCommand())
    .addCommand(catCommand())
    .addCommand(statCommand())
    .addCommand(mkdirCommand())
    .addCommand(mvCommand())
    .addCommand(rmCommand())
    .addCommand(watchCommand());
  return addExamples(command, [
    {
      command: 'runlet files ls -l /etc',
      does: 'See what is in a folder of the server',
      prints: /^(?:[-dlbcps][-rwxsStT]{9} .*\n)+$/,
    },
  ]);
}
