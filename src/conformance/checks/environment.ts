import { randomBytes, randomUUID } from 'node:crypto';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { type EnvPolicySchema, Inherit } from '../../gen/runlet/v1/process_pb.ts';
import { ensureEqual } from '../assert.ts';
import type { Check } from '../check.ts';
import type { CheckContext } from '../context.ts';
import { textOf } from '../event-reader.ts';

type Policy = MessageInitShape<typeof EnvPolicySchema> & { $typeName?: never };

/** env(1), by its path where it is on all systems: the environment has no say in it. */
const ENV = '/usr/bin/env';

const CORE = /^(PATH|SHELL|TMPDIR|TEMP|TMP|HOME|LANG|LC_ALL|LC_CTYPE|LOGNAME|USER)$/i;
const SECRET = /KEY|SECRET|TOKEN/i;

/** The names and values that a process finds in its environment. */
async function environment(
  context: CheckContext,
  env: Record<string, string>,
  envPolicy?: Policy,
): Promise<Map<string, string>> {
  const output = await context.outputOf([ENV, '-0'], { env, ...(envPolicy && { envPolicy }) });
  const pairs = output.split('\0').filter((pair) => pair !== '');
  return new Map(
    pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
  );
}

/** An object of the same pairs, in the order of their names. */
function plain(map: ReadonlyMap<string, string>): Record<string, string> {
  return Object.fromEntries([...map].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** How the environment of a process is made. */
export const environmentChecks: readonly Check[] = [
  {
    id: 'ENV-01',
    title: 'Without a policy the environment is exactly `env`',
    clause: 'ProcessSpec.env_policy',
    async run(context) {
      const env = { A: 'one', B: '', 'C.d': 'two=three\nfour' };
      ensureEqual(
        plain(await environment(context, env)),
        plain(new Map(Object.entries(env))),
        'it',
      );
      ensureEqual(plain(await environment(context, {})), {}, 'one of nothing');
    },
  },
  {
    id: 'ENV-02',
    title: '`INHERIT_NONE` inherits nothing',
    clause: 'INHERIT_NONE',
    async run(context) {
      const policy = { inherit: Inherit.NONE, set: { S: 's' } };
      ensureEqual(plain(await environment(context, { E: 'e' }, policy)), { E: 'e', S: 's' }, 'it');
    },
  },
  {
    id: 'ENV-03',
    title: '`INHERIT_CORE` inherits the core variables at most',
    clause: 'INHERIT_CORE',
    async run(context) {
      const core = await environment(context, {}, { inherit: Inherit.CORE });
      const others = [...core.keys()].filter((name) => !CORE.test(name));
      ensureEqual(others, [], 'other variables');
    },
  },
  {
    id: 'ENV-04',
    title: '`INHERIT_ALL`, the default, inherits the core variables too',
    clause: 'INHERIT_ALL',
    async run(context) {
      const core = plain(await environment(context, {}, { inherit: Inherit.CORE }));
      for (const inherit of [Inherit.UNSPECIFIED, Inherit.ALL]) {
        const all = await environment(context, {}, { inherit });
        const missing = Object.keys(core).filter((name) => all.get(name) !== core[name]);
        ensureEqual(missing, [], `core variables that are missing with ${Inherit[inherit]}`);
      }
    },
  },
  {
    id: 'ENV-05',
    title: 'Names that look like secrets are not inherited, unless the policy says so',
    clause: 'EnvPolicy.ignore_default_excludes',
    async run(context) {
      const inherited = await environment(context, {}, { inherit: Inherit.ALL });
      const secrets = [...inherited.keys()].filter((name) => SECRET.test(name));
      ensureEqual(secrets, [], 'names that look like secrets');
    },
  },
  {
    id: 'ENV-06',
    title: 'Variables named `RUNLET_*` are never inherited',
    clause: 'EnvPolicy',
    async run(context) {
      const policy = { inherit: Inherit.ALL, ignoreDefaultExcludes: true };
      const names = [...(await environment(context, {}, policy)).keys()];
      ensureEqual(
        names.filter((name) => /^RUNLET_/i.test(name)),
        [],
        "the server's own",
      );
    },
  },
  {
    id: 'ENV-07',
    title: 'Names that match `exclude` are dropped',
    clause: 'EnvPolicy.exclude',
    async run(context) {
      const policy = { inherit: Inherit.ALL, exclude: ['p?t*', 'h*'] };
      const names = [...(await environment(context, {}, policy)).keys()];
      ensureEqual(
        names.filter((name) => /^(P.T.*|H.*)$/i.test(name)),
        [],
        'names that match',
      );
    },
  },
  {
    id: 'ENV-08',
    title: '`set` brings back what was dropped before it',
    clause: 'EnvPolicy.set',
    async run(context) {
      const set = { A_KEY: 'key', GONE: 'back' };
      const policy = { inherit: Inherit.NONE, exclude: ['GONE', '*KEY'], set };
      ensureEqual(plain(await environment(context, {}, policy)), set, 'the environment');
    },
  },
  {
    id: 'ENV-09',
    title: '`include_only` filters what is set, too',
    clause: 'EnvPolicy.include_only',
    async run(context) {
      const set = { KEPT: 'yes', DROPPED: 'no' };
      const policy = { inherit: Inherit.ALL, set, includeOnly: ['KEPT'] };
      ensureEqual(plain(await environment(context, {}, policy)), { KEPT: 'yes' }, 'it');
    },
  },
  {
    id: 'ENV-10',
    title: '`env` wins over what the policy sets, and nothing filters it',
    clause: 'ProcessSpec.env',
    async run(context) {
      const policy = {
        inherit: Inherit.NONE,
        exclude: ['*'],
        set: { A: 'of the policy' },
        includeOnly: ['A'],
      };
      const env = { A: 'of env', B_TOKEN: 'of env' };
      ensureEqual(plain(await environment(context, env, policy)), env, 'the environment');
    },
  },
  {
    id: 'ENV-11',
    title: 'A pattern matches a whole name, without regard to case; `*` and `?` alone are special',
    clause: 'EnvPolicy',
    async run(context) {
      const set = { aB: '1', ABC: '2', XAB: '3', 'D.E': '4', DxE: '5', FOO: '6', FxOO: '7' };
      const includeOnly = ['Ab', 'd.e', 'f?oo'];
      const kept = await environment(context, {}, { inherit: Inherit.NONE, set, includeOnly });
      ensureEqual(plain(kept), { 'D.E': '4', FxOO: '7', aB: '1' }, 'the names that are kept');
    },
  },
  {
    id: 'ENV-12',
    title: 'A process that is to know its trace is told the one of the call that starts it',
    clause: 'ProcessSpec.trace_context',
    async run(context) {
      const { processes, sessionId } = context;
      const trace = randomBytes(16).toString('hex');
      const metadata = { traceparent: `00-${trace}-00f067aa0ba902b7-01` };
      const spec = { argv: [ENV, '-0'], env: { TRACEPARENT: 'another' }, traceContext: true };
      const processId = `p-${randomUUID()}`;
      await processes.startProcess({ sessionId, processId, spec }, { metadata });
      const told = textOf(await context.eventsOf({ sessionId, processId }));
      const [, value = ''] = /TRACEPARENT=([^\0]*)/.exec(told) ?? [];
      ensureEqual(value.split('-')[1], trace, 'the trace in TRACEPARENT');
      ensureEqual(value.length, metadata.traceparent.length, 'the length of TRACEPARENT');
    },
  },
];
