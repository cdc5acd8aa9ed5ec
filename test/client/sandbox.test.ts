import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import {
  OptionError,
  type ProcessSpec,
  type RemoteSession,
  SandboxError,
  type SandboxOptions,
} from '../../src/client/index.ts';
import { specMessage } from '../../src/client/process-spec.ts';
import { sandboxMessage } from '../../src/client/sandbox.ts';
import { StatFileRequestSchema } from '../../src/gen/runlet/v1/file_pb.ts';
import type {
  StartProcessRequest,
  StartProcessResponse,
} from '../../src/gen/runlet/v1/process_pb.ts';
import { SandboxAccess, SandboxNetwork, SandboxPlace } from '../../src/gen/runlet/v1/sandbox_pb.ts';
import {
  type GetServerInfoResponse,
  SandboxCapabilitySchema,
} from '../../src/gen/runlet/v1/server_pb.ts';
import { connectTo, errorOf, QUICK } from '../support/client.ts';
import { startGate } from '../support/gate.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { PATH } from '../support/shell.ts';

const SANDBOX: SandboxOptions = { rules: [{ place: 'platform', access: 'read' }] };

/** What types do not allow, as a program in JavaScript may give it. */
function wrong(value: unknown): SandboxOptions {
  return value as SandboxOptions;
}

function specOf(spec: Partial<ProcessSpec>): ReturnType<typeof specMessage> {
  return specMessage({ argv: ['true'], ...spec }, 0);
}

/** What is wrong with a sandbox. */
function wrongIn(make: () => unknown): unknown {
  try {
    make();
  } catch (error) {
    if (error instanceof OptionError) return error.option;
    throw error;
  }
  return undefined;
}

describe('a sandbox', () => {
  it('becomes a message of the same names', () => {
    const sandbox: SandboxOptions = {
      profile: 'agent',
      rules: [
        { path: '/work', access: 'write' },
        { path: Buffer.from([0x2f, 0xff]), access: 'none', missingOk: true },
        { place: 'temp', access: 'read' },
      ],
      network: 'host',
      cwd: '/work',
    };
    const rules = [
      { access: SandboxAccess.WRITE, missingOk: false, path: '/work' },
      { access: SandboxAccess.NONE, missingOk: true, rawPath: Buffer.from([0x2f, 0xff]) },
      { access: SandboxAccess.READ, missingOk: false, place: SandboxPlace.TEMP },
    ];
    const network = SandboxNetwork.HOST;
    expect(sandboxMessage(sandbox)).toEqual({ profile: 'agent', rules, network, cwd: '/work' });
    // What it is called with, if it is a process: the folder is that of its spec.
    const { cwd, sandbox: message } = specOf({ sandbox });
    expect(cwd).toBe('/work');
    expect(message).toEqual({ profile: 'agent', rules, network });
  });

  it('is none where there is none, and where it is false', () => {
    expect(specOf({})).not.toHaveProperty('sandbox');
    expect(specOf({ sandbox: false })).not.toHaveProperty('sandbox');
  });

  it('makes the command line bytes, which servers refuse that know neither', () => {
    expect(specOf({ sandbox: {} })).toMatchObject({ rawArgv: [Buffer.from('true')] });
  });

  it('is refused by the name of what is wrong with it', () => {
    const rule = { path: '/x', access: 'read' };
    const cases: readonly [string, SandboxOptions][] = [
      ['sandbox.profil', wrong({ profil: 'agent' })],
      ['sandbox.profile', { profile: '' }],
      ['sandbox.profile', { profile: '\ud800' }],
      ['sandbox.network', wrong({ network: 'all' })],
      ['sandbox.rules', wrong({ rules: rule })],
      ['sandbox.rules[0]', wrong({ rules: ['/x'] })],
      ['sandbox.rules[1].acces', wrong({ rules: [rule, { ...rule, acces: 'read' }] })],
      ['sandbox.rules[0].access', wrong({ rules: [{ path: '/x' }] })],
      ['sandbox.rules[0].access', wrong({ rules: [{ path: '/x', access: 'execute' }] })],
      ['sandbox.rules[0].path', wrong({ rules: [{ ...rule, path: 'x' }] })],
      ['sandbox.rules[0].path', wrong({ rules: [{ ...rule, path: '' }] })],
      ['sandbox.rules[0]', wrong({ rules: [{ access: 'read' }] })],
      ['sandbox.rules[0]', wrong({ rules: [{ ...rule, place: 'temp' }] })],
      ['home', wrong({ rules: [{ place: 'home', access: 'read' }] })],
      ['sandbox.cwd', { cwd: 'here' }],
    ];
    for (const [option, sandbox] of cases) {
      expect([option, wrongIn(() => sandboxMessage(sandbox))]).toEqual([option, option]);
      expect([option, wrongIn(() => specOf({ sandbox }))]).toEqual([option, option]);
    }
    expect(wrongIn(() => specOf({ sandbox: { cwd: '/a' }, cwd: '/b' }))).toBe('sandbox.cwd');
    expect(wrongIn(() => specOf({ sandbox: { cwd: '/a' }, cwd: Buffer.from('/a') }))).toBe(
      undefined,
    );
    expect(wrongIn(() => specOf({ sandbox: true as never }))).toBe('sandbox');
  });

  it('of files that are within one is theirs, for every call', async () => {
    const { address } = await startHarness();
    const { files } = await connectTo(address).session();
    const within = files.within(SANDBOX);
    expect(wrongIn(() => within.within(SANDBOX))).toBe('sandbox');
    expect(wrongIn(() => within.list('/', { sandbox: false }))).toBe('sandbox');
    expect(wrongIn(() => files.within({ cwd: 'here' }))).toBe('sandbox.cwd');
    expect(await errorOf(within.stat('/', { sandbox: SANDBOX }))).toMatchObject({
      option: 'sandbox',
    });
    expect(await errorOf(files.stat('/', { sandbox: wrong({ rule: [] }) }))).toMatchObject({
      option: 'sandbox.rule',
    });
  });
});

/** The calls of a client that the server behind a gate has had, by their names. */
interface Behind {
  readonly session: RemoteSession;
  readonly methods: readonly string[];
}

/** A session on a server of a version that has no sandboxes, or says that it has them. */
async function sessionBehind(harness: Harness, says: 'none' | 'some'): Promise<Behind> {
  const methods: string[] = [];
  const gate = await startGate(
    harness.address,
    ({ method }) => {
      methods.push(method.replace(/.*\//, ''));
      return undefined;
    },
    {
      // An old one does not know the fields.
      onRequest(request) {
        const { sandbox: _, ...rest } = (request as Partial<StartProcessRequest>).spec ?? {};
        if ('spec' in (request as object)) Object.assign(request as object, { spec: rest });
        delete (request as { sandbox?: unknown }).sandbox;
      },
      onAnswer(answer) {
        const { capabilities } = answer as GetServerInfoResponse;
        if (capabilities === undefined) return;
        delete capabilities.sandbox;
        if (says === 'none') return;
        capabilities.sandbox = create(SandboxCapabilitySchema, { mechanism: 'bubblewrap' });
      },
    },
  );
  const session = await connectTo(gate.address, QUICK).session();
  return { session, methods };
}

const SPEC = { argv: ['sleep', '1000'], env: { PATH }, sandbox: SANDBOX } as const;

describe('a server that knows no sandboxes', () => {
  it('is not asked for a process in one', async () => {
    const { methods, session } = await sessionBehind(await startHarness(), 'none');
    const error = await errorOf(session.start(SPEC));
    expect(error).toBeInstanceOf(SandboxError);
    expect(error).toMatchObject({ code: 'SANDBOX_IGNORED' });
    expect(methods).not.toContain('StartProcess');
    expect(await session.processes()).toEqual([]);
  });

  it('is not asked by a client whose default one is, unless a process is to have none', async () => {
    const harness = await startHarness();
    const gate = await startGate(harness.address, () => undefined, {
      onAnswer(answer) {
        delete (answer as Partial<GetServerInfoResponse>).capabilities?.sandbox;
      },
    });
    const client = connectTo(gate.address, { defaults: { sandbox: SANDBOX } });
    expect(await errorOf(client.run(['true'], { env: { PATH } }))).toBeInstanceOf(SandboxError);
    const ran = await client.run(['true'], { env: { PATH }, sandbox: false });
    expect(ran.code).toBe(0);
    const { files } = await client.session();
    expect(await errorOf(files.stat('/'))).toBeInstanceOf(SandboxError);
    expect(await files.stat('/', { sandbox: false })).toMatchObject({ kind: 'directory' });
  });

  it('is not asked for files within one, whatever the call', async () => {
    const harness = await startHarness();
    const { methods, session } = await sessionBehind(harness, 'none');
    const files = session.files.within(SANDBOX);
    const path = `${harness.folder}/file`;
    const calls: readonly (() => Promise<unknown>)[] = [
      () => files.stat('/'),
      () => files.exists('/'),
      () => files.readBytes('/etc/passwd'),
      () => files.write(path, 'content'),
      () => files.list('/').next(),
      () => files.walk('/').next(),
      () => files.makeDirectory(path),
      () => files.remove(path),
      () => files.move(path, `${path}2`),
      () => files.copy('/etc/passwd', path),
      () => files.setAttributes(path, { mode: 0o600 }),
      () => files.symlink(path, '/'),
      () => files.resolve('/'),
      () => files.watch(harness.folder),
      () => files.readTree('/etc').next(),
      () => files.writeTree(path, (async function* () {})()),
      () => files.upload('/etc/passwd', path),
      () => files.download('/etc/passwd', path),
      () => session.files.stat('/', { sandbox: SANDBOX }),
    ];
    for (const call of calls) expect(await errorOf(call())).toBeInstanceOf(SandboxError);
    expect(methods.filter((name) => /File|Director|Tree|Path|Symlink/.test(name))).toEqual([]);
    // What it knows it is asked for all the same.
    expect(await session.files.stat('/')).toMatchObject({ kind: 'directory' });
  });

  it('is asked what it knows once a connection, and not where there is no sandbox', async () => {
    const { methods, session } = await sessionBehind(await startHarness(), 'none');
    const asked = (): number => methods.filter((name) => name === 'GetServerInfo').length;
    const before = asked();
    await session.files.stat('/');
    expect(asked()).toBe(before);
    await Promise.all([errorOf(session.start(SPEC)), errorOf(session.start(SPEC))]);
    await errorOf(session.files.within(SANDBOX).stat('/'));
    expect(asked()).toBe(before + 1);
  });
});

describe('a process that a server started without its sandbox', () => {
  it('is ended, and the start fails', async () => {
    const { session } = await sessionBehind(await startHarness(), 'some');
    const error = await errorOf(session.start(SPEC, { id: 'loose' }));
    expect(error).toBeInstanceOf(SandboxError);
    expect(error.message).toContain('it was ended');
    const [process] = await session.processes();
    expect(process).toMatchObject({ id: 'loose', state: 'closed', exit: { signal: 'SIGKILL' } });
  });

  it('is said to go on where the client may not end it', async () => {
    const harness = await startHarness();
    const gate = await startGate(
      harness.address,
      ({ method }) => (method.endsWith('/TerminateProcess') ? 'FAILED_PRECONDITION' : undefined),
      {
        onRequest(request) {
          delete (request as Partial<StartProcessRequest>).spec?.sandbox;
        },
        onAnswer(answer) {
          const { capabilities } = answer as GetServerInfoResponse;
          if (capabilities === undefined) return;
          capabilities.sandbox = create(SandboxCapabilitySchema, { mechanism: 'bubblewrap' });
        },
      },
    );
    const session = await connectTo(gate.address, QUICK).session();
    const error = await errorOf(session.start(SPEC));
    expect(error).toBeInstanceOf(SandboxError);
    expect(error.message).toContain('did not end it');
    expect(await session.processes()).toMatchObject([{ state: 'running' }]);
  });

  it('is told from one that is in it by what the server says', async () => {
    const harness = await startHarness();
    const gate = await startGate(harness.address, () => undefined, {
      onRequest(request) {
        delete (request as Partial<StartProcessRequest>).spec?.sandbox;
      },
      onAnswer(answer) {
        const { capabilities } = answer as GetServerInfoResponse;
        if (capabilities !== undefined) {
          capabilities.sandbox = create(SandboxCapabilitySchema, { mechanism: 'bubblewrap' });
        }
        const { process } = answer as StartProcessResponse;
        if (process !== undefined) process.sandbox = 'bubblewrap';
      },
    });
    const session = await connectTo(gate.address, QUICK).session();
    const process = await session.start({ ...SPEC, argv: ['true'] });
    expect(process.sandbox).toBe('bubblewrap');
    expect(await process.exited).toMatchObject({ code: 0 });
  });
});

describe('what a server that has sandboxes is sent', () => {
  it('is the sandbox with each call about files', async () => {
    const harness = await startHarness();
    const seen: unknown[] = [];
    const gate = await startGate(harness.address, () => undefined, {
      onRequest(request) {
        const { $typeName, sandbox } = request as { $typeName: string; sandbox?: unknown };
        if ($typeName !== StatFileRequestSchema.typeName) return;
        seen.push(sandbox);
        delete (request as { sandbox?: unknown }).sandbox;
      },
      onAnswer(answer) {
        const { capabilities } = answer as GetServerInfoResponse;
        if (capabilities === undefined) return;
        capabilities.sandbox = create(SandboxCapabilitySchema, { mechanism: 'bubblewrap' });
      },
    });
    const { files } = await connectTo(gate.address, QUICK).session();
    await files.stat('/');
    await files.within({ ...SANDBOX, cwd: '/tmp' }).stat('/');
    const rules = [{ place: SandboxPlace.PLATFORM, access: SandboxAccess.READ }];
    expect(seen).toMatchObject([undefined, { rules, cwd: '/tmp' }]);
  });
});
