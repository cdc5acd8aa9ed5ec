import { randomUUID } from 'node:crypto';
import { ensure, ensureEqual, ensureFails } from '../assert.ts';
import type { Check } from '../check.ts';
import { type CheckContext, PATH, type SpecInit } from '../context.ts';
import { bytesOf } from '../event-reader.ts';

/** Latin-1, which is not UTF-8. */
const CAFE = Buffer.from('caf\u00e9', 'latin1');

/** Neither is any of this, but for the first byte. */
const ODD = Buffer.from([0x41, 0x80, 0xc3, 0x28, 0xed, 0xa0, 0x80, 0xf5, 0xff]);

/** Arguments, variables and folders that are not UTF-8. */
export const bytes: readonly Check[] = [
  {
    id: 'BYTES-01',
    title: 'Arguments that are not UTF-8 arrive as they are',
    clause: 'ProcessSpec.raw_argv',
    needs: 'bytes',
    async run(context) {
      const given = [CAFE, Buffer.from('żółw'), ODD, Buffer.alloc(0)];
      const script = 'for a do printf "<%s>" "$a"; done';
      const output = await outputOf(context, { rawArgv: shell(script, ...given) });
      const expected = given.map((a) => `<${a.toString('latin1')}>`).join('');
      ensureEqual(output.toString('latin1'), expected, 'the arguments, in Latin-1');
    },
  },
  {
    id: 'BYTES-02',
    title: 'Variables that are not UTF-8 are there beside the others, their names, too',
    clause: 'ProcessSpec.raw_env',
    needs: 'bytes',
    async run(context) {
      const output = await outputOf(context, {
        argv: ['env'],
        env: { PATH, PLAIN: 'plain' },
        rawEnv: [
          { name: Buffer.from('ODD'), value: ODD },
          { name: CAFE, value: Buffer.from('coffee') },
        ],
      });
      const lines = output.toString('latin1').split('\n').slice(0, -1).sort();
      const expected = [`ODD=${ODD.toString('latin1')}`, `PATH=${PATH}`, 'PLAIN=plain'];
      expected.push(`${CAFE.toString('latin1')}=coffee`);
      ensureEqual(lines, expected, 'the environment, in Latin-1');
    },
  },
  {
    id: 'BYTES-03',
    title: 'A process starts in a folder whose name is not UTF-8',
    clause: 'ProcessSpec.raw_cwd',
    needs: 'bytes',
    async run(context) {
      const rawCwd = Buffer.concat([Buffer.from(`/tmp/runlet-${randomUUID()}-`), CAFE]);
      await outputOf(context, { rawArgv: shell('mkdir -- "$1"', rawCwd) });
      const output = await outputOf(context, {
        rawArgv: shell('pwd && cd / && rmdir -- "$1"', rawCwd),
        rawCwd,
      });
      const expected = `${rawCwd.toString('latin1')}\n`;
      ensure(output.toString('latin1').endsWith(expected), `pwd is not ${expected} in Latin-1`);
    },
  },
  {
    id: 'BYTES-04',
    title: 'What was asked to be run is told exactly, and as text',
    clause: 'Process.raw_argv',
    needs: 'bytes',
    async run(context) {
      const target = await startOf(context, { rawArgv: shell(':', CAFE) });
      const { argv, rawArgv } = await context.get(target);
      ensureEqual(argv.slice(0, -1), ['/bin/sh', '-c', ':', 'sh'], 'argv but for the last');
      ensure(/^caf\u{FFFD}+$/u.test(argv.at(-1) ?? ''), 'U+FFFD stands for what is not UTF-8');
      ensureEqual(
        rawArgv.map((part) => Buffer.from(part).toString('latin1')),
        shell(':', CAFE).map((part) => part.toString('latin1')),
        'raw_argv, in Latin-1',
      );
      const plain = await startOf(context, { rawArgv: shell(':') });
      const told = await context.get(plain);
      ensureEqual(told.argv, ['/bin/sh', '-c', ':', 'sh'], 'argv that was given as bytes');
      ensureEqual(told.rawArgv, [], 'raw_argv of what is UTF-8');
    },
  },
  {
    id: 'BYTES-05',
    title: 'A field and its twin of bytes exclude each other',
    clause: 'ProcessSpec.raw_argv',
    async run(context) {
      const argv = ['/bin/sh', '-c', ':'];
      const wrong: readonly (readonly [string, SpecInit])[] = [
        ['spec.raw_argv', { argv, rawArgv: shell(':') }],
        ['spec.raw_arg0', { argv, arg0: 'sh', rawArg0: CAFE }],
        ['spec.raw_cwd', { argv, cwd: '/', rawCwd: Buffer.from('/') }],
        ['spec.raw_env', { argv, env: { A: '' }, rawEnv: [{ name: Buffer.from('A') }] }],
      ];
      for (const [field, spec] of wrong) {
        const { badRequest } = await ensureFails(
          startOf(context, spec),
          'INVALID_ARGUMENT/INVALID_REQUEST',
          `${field} and its twin`,
        );
        const fields = badRequest?.fieldViolations.map((violation) => violation.field);
        ensureEqual(fields, [field], 'the fields of the BadRequest');
      }
    },
  },
];

function shell(script: string, ...args: readonly Buffer[]): Buffer[] {
  return [...['/bin/sh', '-c', script, 'sh'].map((part) => Buffer.from(part)), ...args];
}

async function startOf(
  context: CheckContext,
  spec: SpecInit,
): Promise<{ readonly sessionId: string; readonly processId: string }> {
  const { sessionId } = context;
  const processId = randomUUID();
  await context.processes.startProcess({ sessionId, processId, spec });
  return { sessionId, processId };
}

async function outputOf(context: CheckContext, spec: SpecInit): Promise<Buffer> {
  return bytesOf(await context.eventsOf(await startOf(context, spec)));
}
