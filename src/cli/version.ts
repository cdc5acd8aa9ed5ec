import { Command } from 'commander';
import { VERSION } from '../version.ts';
import { addExamples } from './examples.ts';
import { printable } from './human-text.ts';
import { printJson, printLine } from './print.ts';
import { secureExample } from './secure-example.ts';
import { addServerOptions, type ServerFlags, withServer } from './server-connection.ts';
import { UnreachableError } from './unreachable-error.ts';

/** `runlet version` */
export function versionCommand(): Command {
  const command = addServerOptions(new Command('version'))
    .option('--json', 'print them as a line of JSON')
    .action(version);
  return addExamples(
    command,
    [
      {
        command: 'runlet version',
        does: 'Look whether both are of one version',
        prints: /^client {2}\d+\.\d+\.\d+\S*\nserver {2}\d+\.\d+\.\d+\S*\n$/,
      },
    ],
    [
      {
        command: 'runlet version --address "$SERVER" --json',
        does: 'Compare the versions in a script',
        prints: /^\{"client":".*","server":".*"\}\n$/,
      },
      secureExample('version', '', /^client .*\nserver {2}\d/),
    ],
  );
}

async function version(flags: ServerFlags & { readonly json?: boolean }): Promise<void> {
  const server = await withServer(flags, async (client) => (await client.info()).version).catch(
    (error: unknown) => {
      if (error instanceof UnreachableError) return undefined;
      throw error;
    },
  );
  if (flags.json === true) return printJson({ client: VERSION, server: server ?? null });
  return printLine(
    `client  ${VERSION}\nserver  ${server === undefined ? 'none' : printable(server)}`,
  );
}
