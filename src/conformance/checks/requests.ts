import type { MessageInitShape } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import type { StartProcessRequestSchema } from '../../gen/runlet/v1/process_pb.ts';
import { ensureInvalid } from '../assert.ts';
import type { Check } from '../check.ts';
import { type CheckContext, type SpecInit, specOf } from '../context.ts';

const ARGV = ['/bin/sh', '-c', 'true'];
/** A value that no enum has. */
const UNKNOWN: number = 99;
const NEGATIVE = { seconds: -1n, nanos: 0 };

function start(
  { processes, sessionId }: CheckContext,
  spec: SpecInit,
  init: MessageInitShape<typeof StartProcessRequestSchema> & { $typeName?: never } = {},
): Promise<unknown> {
  return processes.startProcess({ sessionId, spec, ...init });
}

/** Requests that are wrong in themselves. */
export const requests: readonly Check[] = [
  {
    id: 'REQUEST-01',
    title: 'A start without a program is refused',
    clause: 'ProcessSpec.argv',
    async run(context) {
      await ensureInvalid(start(context, { argv: [] }), /^spec\.argv/, 'an empty argv');
      await ensureInvalid(start(context, { argv: [''] }), /^spec\.argv/, 'an empty program');
      const { processes, sessionId } = context;
      await ensureInvalid(processes.startProcess({ sessionId }), /^spec/, 'no spec');
    },
  },
  {
    id: 'REQUEST-02',
    title: 'NUL in an argument, a folder or a variable is refused',
    clause: 'ERROR_REASON_INVALID_REQUEST',
    async run(context) {
      const cases: [SpecInit, RegExp][] = [
        [{ argv: [...ARGV, 'a\0b'] }, /^spec\.argv/],
        [{ argv: ARGV, cwd: '/a\0b' }, /^spec\.cwd/],
        [{ argv: ARGV, env: { A: 'a\0b' } }, /^spec\.env/],
      ];
      for (const [spec, field] of cases) {
        await ensureInvalid(start(context, spec), field, `NUL in ${field.source}`);
      }
    },
  },
  {
    id: 'REQUEST-03',
    title: 'A working directory that is not absolute is refused',
    clause: 'ProcessSpec.cwd',
    async run(context) {
      const call = start(context, { argv: ARGV, cwd: 'some/folder' });
      await ensureInvalid(call, /^spec\.cwd$/, 'a relative cwd');
    },
  },
  {
    id: 'REQUEST-04',
    title: 'A name of a variable that is empty or holds `=` is refused',
    clause: 'ProcessSpec.env',
    async run(context) {
      for (const name of ['', 'A=B']) {
        const call = start(context, { argv: ARGV, env: { [name]: 'x' } });
        await ensureInvalid(call, /^spec\.env/, `the name ${JSON.stringify(name)}`);
      }
    },
  },
  {
    id: 'REQUEST-05',
    title: 'A session id that is no UUID is refused, as is an attachment id',
    clause: 'GetSessionRequest.session_id',
    async run(context) {
      const { processes, sessionId, sessions } = context;
      for (const wrong of ['', 'nonsense', `${sessionId}0`]) {
        const call = sessions.getSession({ sessionId: wrong }, { metadata: {} });
        await ensureInvalid(call, /^session_id$/, `the id ${JSON.stringify(wrong)}`);
      }
      const created = sessions.createSession({ sessionId: 'nonsense' });
      await ensureInvalid(created, /^session_id$/, 'a session created as "nonsense"');
      const listed = processes.listProcesses({ sessionId, attachmentId: 'nonsense' });
      await ensureInvalid(listed, /^attachment_id$/, 'the attachment "nonsense"');
    },
  },
  {
    id: 'REQUEST-06',
    title: 'A value of an enum that the server does not know is refused',
    clause: 'ERROR_REASON_INVALID_REQUEST',
    async run(context) {
      const cases: [SpecInit, RegExp][] = [
        [{ argv: ARGV, stdin: UNKNOWN }, /^spec\.stdin$/],
        [{ argv: ARGV, output: { overflow: UNKNOWN } }, /^spec\.output\.overflow$/],
        [{ argv: ARGV, envPolicy: { inherit: UNKNOWN } }, /^spec\.env_policy\.inherit$/],
      ];
      for (const [spec, field] of cases) {
        await ensureInvalid(start(context, spec), field, `99 in ${field.source}`);
      }
      await ensureInvalid(context.attach({ mode: UNKNOWN }), /^mode$/, '99 in mode');
    },
  },
  {
    id: 'REQUEST-07',
    title: 'A negative span is refused, and a `timeout` of zero',
    clause: 'ProcessSpec.timeout',
    async run(context) {
      for (const name of ['timeout', 'drainTimeout', 'retention'] as const) {
        const call = start(context, { argv: ARGV, [name]: NEGATIVE });
        await ensureInvalid(call, /^spec\.(timeout|drain_timeout|retention)$/, name);
      }
      const none = start(context, { argv: ARGV, timeout: durationFromMs(0) });
      await ensureInvalid(none, /^spec\.timeout$/, 'a timeout of zero');
      const target = await context.startShell('true');
      const read = context.processes.readProcess({ ...target, wait: NEGATIVE });
      await ensureInvalid(read, /^wait$/, 'a negative wait');
    },
  },
  {
    id: 'REQUEST-08',
    title: 'What exceeds a limit that the server tells for specs is refused',
    clause: 'Limits.max_retained_bytes',
    async run(context) {
      const { maxRetainedBytes = 0n, maxRetention } = context.info.limits ?? {};
      const retainedBytes = maxRetainedBytes + 1n;
      const much = start(context, { argv: ARGV, output: { retainedBytes } });
      await ensureInvalid(much, /^spec\.output\.retained_bytes$/, 'retained_bytes');
      const seconds = (maxRetention?.seconds ?? 0n) + 1n;
      const long = start(context, { argv: ARGV, retention: { seconds, nanos: 0 } });
      await ensureInvalid(long, /^spec\.retention$/, 'retention');
    },
  },
  {
    id: 'REQUEST-09',
    title: 'A `detached_ttl` outside of the range that the server tells is refused',
    clause: 'CreateSessionRequest.detached_ttl',
    async run({ info, sessions }) {
      const seconds = (info.limits?.maxDetachedTtl?.seconds ?? 0n) + 1n;
      for (const detachedTtl of [{ seconds, nanos: 0 }, { seconds: 0n, nanos: 1000 }, NEGATIVE]) {
        const call = sessions.createSession({ detachedTtl });
        await ensureInvalid(call, /^detached_ttl$/, `${detachedTtl.seconds} s`);
      }
    },
  },
  {
    id: 'REQUEST-10',
    title: 'An id of more than 128 bytes or with a control character is refused',
    clause: 'StartProcessRequest.process_id',
    async run(context) {
      const spec = specOf(ARGV);
      for (const wrong of ['x'.repeat(129), 'a\nb']) {
        const named = start(context, spec, { processId: wrong });
        await ensureInvalid(named, /^process_id$/, 'such a process_id');
        const asked = start(context, spec, { requestId: wrong });
        await ensureInvalid(asked, /^request_id$/, 'such a request_id');
      }
      await start(context, spec, { processId: 'x'.repeat(128) });
    },
  },
  {
    id: 'REQUEST-11',
    title: 'Labels beyond their bounds are refused',
    clause: 'ProcessSpec.labels',
    async run(context) {
      const many = Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`l${i}`, '']));
      const cases = { many, key: { ['k'.repeat(129)]: '' }, value: { k: 'v'.repeat(1025) } };
      for (const [what, labels] of Object.entries(cases)) {
        const call = start(context, { argv: ARGV, labels });
        await ensureInvalid(call, /^spec\.labels/, `too much: ${what}`);
      }
    },
  },
  {
    id: 'REQUEST-12',
    title: 'A signal that is not named, and one that there is not, are refused',
    clause: 'SignalProcessRequest.signal',
    async run(context) {
      const target = await context.startShell('exec sleep 1000');
      for (const signal of [0, 999]) {
        const call = context.processes.signalProcess({ ...target, signal });
        await ensureInvalid(call, /^signal$/, `signal ${signal}`);
      }
    },
  },
  {
    id: 'REQUEST-13',
    title: 'More than 4,096 variables are refused, and so many are not',
    clause: 'ProcessSpec.env',
    async run(context) {
      const variables = Array.from({ length: 4096 }, (_, i) => [`V${i}`, ''] as const);
      const env = Object.fromEntries(variables);
      await start(context, { argv: ARGV, env });
      const call = start(context, { argv: ARGV, env: { ...env, ONE_MORE: '' } });
      await ensureInvalid(call, /^spec\.env/, '4,097 variables');
    },
  },
];
