import { Command } from 'commander';
import type {
  CallerInfo,
  SandboxCapability,
  ServerLimits,
  ServerPlatform,
} from '../client/index.ts';
import { sizeText } from '../quantities.ts';
import { addExamples } from './examples.ts';
import { printable, spanText } from './human-text.ts';
import { printJson, printLine } from './print.ts';
import { secureExample } from './secure-example.ts';
import { addServerOptions, type ServerFlags, withServer } from './server-connection.ts';
import { table, tableWidth } from './table.ts';

interface InfoFlags extends ServerFlags {
  readonly json?: boolean;
}

/** `runlet info` */
export function infoCommand(): Command {
  const command = addServerOptions(new Command('info'))
    .option('--json', 'print it as a line of JSON')
    .action(info);
  return addExamples(
    command,
    [
      {
        command: 'runlet info',
        does: 'Look at the server',
        prints: /^address +unix:.*\nversion +\d/,
      },
    ],
    [
      {
        command: 'runlet info --address "$SERVER" --json',
        does: 'Read in a script what a server allows',
        prints: /^\{"address":/,
      },
      secureExample('info', '', /\ncaller +.*\ngrants +start, /),
    ],
  );
}

async function info(flags: InfoFlags): Promise<void> {
  await withServer(flags, async (client, address) => {
    const server = await client.info();
    if (flags.json === true) {
      const { sandbox = null } = server.capabilities;
      const capabilities = { ...server.capabilities, sandbox };
      await printJson({ address, ...server, capabilities, caller: callerFields(server.caller) });
      return;
    }
    const { capabilities, limits, platform } = server;
    const yesNo = (yes: boolean): string => (yes ? 'yes' : 'no');
    const rows: (readonly string[])[] = [
      ['address', address],
      ['version', printable(server.version)],
      ['platform', printable(`${platform.os} ${platform.arch}`)],
      ...machineRows(platform),
      ['shell', printable(server.defaultShell)],
      ['home', printable(server.home)],
      ['directory', printable(server.workingDirectory)],
      ['launcher', printable(capabilities.launcher)],
      ['terminals', yesNo(capabilities.terminals)],
      ['resource limits', yesNo(capabilities.limits)],
      ['merged stderr', yesNo(capabilities.mergeStderr)],
      ['other bytes than UTF-8', yesNo(capabilities.bytes)],
      ['other users', yesNo(capabilities.users)],
      ...sandboxRows(capabilities.sandbox),
      ['sessions', `at most ${limits.maxSessions}`],
      ['processes', `at most ${limits.maxProcesses}`],
      [
        'session ttl',
        `${spanText(limits.defaultDetachedTtlMs)}, at most ${spanText(limits.maxDetachedTtlMs)}`,
      ],
      [
        'retention',
        `${spanText(limits.defaultRetentionMs)}, at most ${spanText(limits.maxRetentionMs)}`,
      ],
      [
        'retained output',
        `${limits.defaultRetainedBytes} bytes, at most ${limits.maxRetainedBytes}`,
      ],
    ];
    rows.push(...callerRows(server.caller));
    rows.push(...boundRows(limits));
    for (const line of table(rows, tableWidth())) await printLine(line);
  });
}

/** What the machine lets the server have, as far as it is told. */
function machineRows({
  maxOpenFiles,
  maxProcesses,
  memoryBytes,
}: ServerPlatform): readonly string[][] {
  return [
    ['open files', maxOpenFiles, String(maxOpenFiles)] as const,
    ['all processes', maxProcesses, String(maxProcesses)] as const,
    ['memory', memoryBytes, sizeText(memoryBytes)] as const,
  ].flatMap(([name, most, text]) => (most === 0 ? [] : [[name, `at most ${text}`]]));
}

/** What is not there is null, as everywhere in lines of JSON. */
function callerFields(caller: CallerInfo | undefined): Record<string, unknown> | null {
  if (caller === undefined) return null;
  const { expireTime = null, grants, name, sessionId = null } = caller;
  return { name, grants, expireTime, sessionId };
}

/** Who this command is to the server. */
function callerRows(caller: CallerInfo | undefined): readonly string[][] {
  if (caller === undefined) return [];
  const { expireTime, grants, name, sessionId } = caller;
  return [
    ['caller', printable(name)],
    ['grants', printable(grants.join(', '))],
    ['credentials', expireTime === undefined ? 'for ever' : `until ${expireTime.toISOString()}`],
    ...(sessionId === undefined ? [] : [['only session', printable(sessionId)]]),
  ];
}

/** What enforces sandboxes, and what of them does not work there. */
function sandboxRows(sandbox: SandboxCapability | undefined): readonly string[][] {
  // The server is of a version that has none.
  if (sandbox === undefined) return [['sandboxes', 'none']];
  const { mechanism, probes, profiles, required, version } = sandbox;
  const broken = probes.filter(({ works }) => !works);
  return [
    ['sandboxes', mechanism === '' ? 'none' : printable(`${mechanism} ${version}`)],
    ...broken.map(({ errnoName, name, step }) => [
      printable(`sandbox ${name}`),
      printable(
        errnoName === '' ? `does not work: ${step}` : `does not work: ${step}, ${errnoName}`,
      ),
    ]),
    ...(profiles.length === 0 ? [] : [['sandbox profiles', printable(profiles.join(', '))]]),
    ...(required ? [['without a sandbox', 'nothing is done']] : []),
  ];
}

/** Further bounds, of those that the server tells: one of an earlier version tells none. */
function boundRows(limits: ServerLimits): readonly (readonly string[])[] {
  if (limits.maxPrincipalSessions === 0) return [];
  const starts = limits.maxPrincipalStartsPerSecond;
  const output = (memory: number, disk: number): string =>
    `at most ${memory} bytes in memory, ${disk} in files`;
  return [
    ['all output', output(limits.outputMemoryBytes, limits.outputDiskBytes)],
    ['queued stdin', `at most ${limits.maxQueuedStdinBytes} bytes`],
    ['connections', `at most ${limits.maxConnections}, ${limits.maxUnspokenConnections} unspoken`],
    ['calls of a connection', `at most ${limits.maxConnectionStreams}`],
    ['headers of a call', `at most ${limits.maxHeaderBytes} bytes`],
    ['readers of a process', `at most ${limits.maxProcessWatchers}`],
    ['command line', `at most ${limits.maxArgvBytes} bytes`],
    ['environment', `at most ${limits.maxEnvBytes} bytes`],
    ['your sessions', `at most ${limits.maxPrincipalSessions}`],
    ['your processes', `at most ${limits.maxPrincipalProcesses}`],
    ['your calls', `at most ${limits.maxPrincipalStreams}`],
    ['your starts', starts === 0 ? 'any number a second' : `at most ${starts} a second`],
    ['your queued stdin', `at most ${limits.maxPrincipalStdinBytes} bytes`],
    ['your output', output(limits.principalOutputMemoryBytes, limits.principalOutputDiskBytes)],
  ];
}
