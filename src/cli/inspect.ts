import { Command } from 'commander';
import { addExamples } from './examples.ts';
import { forEachProcess, type ProcessFlags } from './find-process.ts';
import { printLine } from './print.ts';
import { addProcessArguments } from './process-arguments.ts';
import { processLine } from './process-line.ts';
import { secureExample } from './secure-example.ts';
import { type ServerFlags, withServer } from './server-connection.ts';

/** `runlet inspect` */
export function inspectCommand(): Command {
  const command = addProcessArguments(new Command('inspect')).action(inspect);
  return addExamples(
    command,
    [
      {
        command: 'runlet inspect build',
        does: 'Look at a process',
        prints: /^\[\n {2}\{\n {4}"session": "[0-9a-f-]{36}",\n {4}"process": "build",/,
      },
    ],
    [
      {
        command: 'runlet inspect --address "$SERVER" --session "$SESSION"',
        does: 'Look at the last process of a session',
        prints: /"process": "build"/,
      },
      secureExample('inspect', 'build', /"process": "build"/),
    ],
  );
}

async function inspect(names: readonly string[], flags: ServerFlags & ProcessFlags): Promise<void> {
  await withServer(flags, async (client, address) => {
    const found: Record<string, unknown>[] = [];
    await forEachProcess(client, address, flags, names, async (process) => {
      found.push(processLine(await process.info()));
    });
    await printLine(JSON.stringify(found, undefined, 2));
  });
}
