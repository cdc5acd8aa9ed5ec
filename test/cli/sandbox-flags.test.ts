import { describe, expect, it } from 'vitest';
import { denialWords } from '../../src/cli/denial-words.ts';
import { isVisible, type SandboxFlags, sandboxOf } from '../../src/cli/sandbox-flags.ts';
import { type SpecFlags, specOf } from '../../src/cli/spec-options.ts';
import { sandboxWords } from '../../src/cli/start-words.ts';
import { RemoteError, type SandboxOptions } from '../../src/client/index.ts';

const PLATFORM = { place: 'platform', access: 'read' } as const;
const TEMP = { place: 'temp', access: 'write' } as const;

const forProgram = (flags: SandboxFlags): SandboxOptions | undefined =>
  sandboxOf(flags, { what: 'program', folder: () => '/code' });
const forFiles = (flags: SandboxFlags): SandboxOptions | undefined =>
  sandboxOf(flags, { what: 'files', folder: () => '/code' });

describe('the flags of a sandbox', () => {
  it('ask for one, each by itself, and for none where there is none', () => {
    expect(forProgram({})).toBeUndefined();
    expect(forProgram({ network: 'none' })).toEqual({ rules: [PLATFORM, TEMP], network: 'none' });
    expect(forProgram({ sandbox: 'agent' })).toEqual({ rules: [], profile: 'agent' });
    const secret = { path: '/code/secret', access: 'none', missingOk: true };
    expect(forProgram({ deny: ['secret'] })?.rules).toEqual([PLATFORM, TEMP, secret]);
  });

  it('let a program read the system, and have a folder for temporary files', () => {
    expect(forProgram({ allowRead: ['/data'], allowWrite: ['.', 'out/'] })?.rules).toEqual([
      PLATFORM,
      TEMP,
      { path: '/data', access: 'read' },
      { path: '/code', access: 'write' },
      { path: '/code/out', access: 'write' },
    ]);
    expect(forFiles({ allowRead: ['/data'] })?.rules).toEqual([{ path: '/data', access: 'read' }]);
  });

  it('say of a place what is said of it alone', () => {
    expect(forProgram({ allowRead: ['@temp'], deny: ['@platform'] })?.rules).toEqual([
      { place: 'temp', access: 'read' },
      { place: 'platform', access: 'none', missingOk: true },
    ]);
    // A file may be called so.
    expect(forProgram({ allowRead: ['./@temp'] })?.rules?.at(-1)).toEqual({
      path: '/code/@temp',
      access: 'read',
    });
  });

  it('narrow a profile by what is denied, and leave the rest of it', () => {
    const rules = [
      { place: 'root', access: 'write' },
      TEMP,
      { place: 'cwd', access: 'write' },
      { path: '/code/.env', access: 'none', missingOk: true },
    ];
    const asked = { sandbox: 'agent', deny: ['.env'] };
    expect(forProgram(asked)).toEqual({ profile: 'agent', rules });
    expect(forFiles(asked)).toEqual({ profile: 'agent', rules });
    expect(forProgram({ sandbox: 'agent', allowRead: ['/data'] })?.rules).toEqual([
      PLATFORM,
      TEMP,
      { path: '/data', access: 'read' },
    ]);
  });

  it('leave what leads out of a folder to the machine that has it', () => {
    expect(forProgram({ allowRead: ['link/../x'] })?.rules?.at(-1)).toEqual({
      path: '/code/link/../x',
      access: 'read',
    });
  });

  it('name nothing of another machine by what is here', () => {
    for (const text of ['.', 'x', '@cwd']) {
      const flags = { allowRead: [text] };
      expect(() => sandboxOf(flags, { what: 'program', folder: undefined })).toThrow(
        `--allow-read ${text}: on another machine it has to be an absolute path`,
      );
    }
    const flags = { allowRead: ['/data', '@root'] };
    expect(sandboxOf(flags, { what: 'files', folder: undefined })?.rules).toHaveLength(2);
  });
});

describe('a working directory', () => {
  const shown = (flags: SandboxFlags, folder = '/code'): boolean =>
    isVisible(forProgram(flags) ?? {}, folder);

  it('is there where a rule shows it, or what it is in', () => {
    expect(shown({ network: 'none' })).toBe(false);
    expect(shown({ allowWrite: ['.'] })).toBe(true);
    expect(shown({ allowRead: ['@cwd'] })).toBe(true);
    expect(shown({ allowRead: ['@root'] })).toBe(true);
    expect(shown({ allowRead: ['/code'] }, '/code/in/it')).toBe(true);
    expect(shown({ allowRead: ['/code/in'] })).toBe(false);
    expect(shown({ allowRead: ['/wor'] })).toBe(false);
    expect(shown({ network: 'none' }, '/usr/share')).toBe(true);
  });

  it('is not there where a longer rule hides it', () => {
    expect(shown({ allowRead: ['@root'], deny: ['/code'] }, '/code/in')).toBe(false);
    expect(shown({ allowRead: ['/code'], deny: ['/code'] })).toBe(false);
    expect(shown({ allowRead: ['@cwd'], deny: ['@cwd'] })).toBe(false);
    // What is there is another.
    expect(shown({ allowRead: ['@root'] }, '/tmp/x')).toBe(false);
    expect(shown({ allowRead: ['/tmp/x'] }, '/tmp/x')).toBe(true);
  });

  it('is told to the server if it is there, or was named, or a profile may show it', async () => {
    const cwdOf = async (flags: SpecFlags, server: 'own' | 'local' | 'remote'): Promise<unknown> =>
      (await specOf(['true'], flags, server)).cwd;
    const here = process.cwd();
    for (const server of ['own', 'local'] as const) {
      expect(await cwdOf({ network: 'none' }, server)).toBeUndefined();
      expect(await cwdOf({ allowRead: ['.'] }, server)).toBe(here);
      expect(await cwdOf({ sandbox: 'agent' }, server)).toBe(here);
      expect(await cwdOf({ network: 'none', cwd: '/srv' }, server)).toBe('/srv');
    }
    expect(await cwdOf({ sandbox: 'agent' }, 'remote')).toBeUndefined();
    const { sandbox } = await specOf(['true'], { cwd: '/srv', allowRead: ['x'] }, 'remote');
    expect(sandbox).toMatchObject({ rules: [PLATFORM, TEMP, { path: '/srv/x' }] });
  });

  it('goes without the folder for temporary files of this machine', async () => {
    const before = process.env['TMPDIR'];
    process.env['TMPDIR'] = '/var/tmp';
    try {
      const envOf = async (flags: SpecFlags): Promise<unknown> =>
        (await specOf(['true'], flags, 'local')).env?.['TMPDIR'];
      expect(await envOf({})).toBe('/var/tmp');
      expect(await envOf({ network: 'none' })).toBeUndefined();
      expect(await envOf({ network: 'none', env: ['TMPDIR=/tmp/x'] })).toBe('/tmp/x');
    } finally {
      if (before === undefined) delete process.env['TMPDIR'];
      else process.env['TMPDIR'] = before;
    }
  });
});

describe('what is said of a sandbox', () => {
  it('that cannot be made is what failed, with the name of the system for it', () => {
    const failure = { step: 'rule', errnoName: 'ENOENT', message: '/nope is not there' };
    expect(sandboxWords(failure)).toBe('no sandbox can be made: rule: /nope is not there: ENOENT');
    const named = { ...failure, message: 'no bwrap (ENOENT)' };
    expect(sandboxWords(named)).toBe('no sandbox can be made: rule: no bwrap (ENOENT)');
  });

  it('that is missing is how to ask for one', () => {
    const error = new RemoteError({
      message: '',
      reason: 'SANDBOX_REQUIRED',
      status: 'PERMISSION_DENIED',
    });
    expect(denialWords(error)).toContain('--sandbox, --allow-read or --allow-write asks for one');
  });
});
