import { Readable } from 'node:stream';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { deferred } from '../../src/client/deferred.ts';
import type { OutputOf, RunningCommand, RunOptions } from '../../src/client/index.ts';
import {
  CommandError,
  OptionError,
  OutputLostError,
  RunOutputError,
} from '../../src/client/index.ts';
import { connectTo, errorOf } from '../support/client.ts';
import { serveHere } from '../support/harness.ts';
import { PATH } from '../support/shell.ts';

const env = { PATH };

async function client() {
  const { address } = await serveHere();
  return connectTo(address, { defaults: { envPolicy: { inherit: 'core' } } });
}

describe('a command that is run', () => {
  it('gives bytes, or text in the encoding that was asked for', async () => {
    const runlet = await client();
    const bytes = await runlet.run(['printf', 'grün']);
    expectTypeOf(bytes.stdout).toEqualTypeOf<Buffer>();
    expect(bytes.stdout).toEqual(Buffer.from('grün'));
    expectTypeOf<OutputOf<{ cwd: string }>>().toEqualTypeOf<Buffer>();
    expectTypeOf<OutputOf<RunOptions>>().toEqualTypeOf<Buffer | string>();
    const text = await runlet.run(['printf', 'grün'], { encoding: 'utf8' });
    expectTypeOf(text.stdout).toEqualTypeOf<string>();
    expect([text.stdout, text.stderr, text.terminal]).toEqual(['grün', '', '']);
    expect((await runlet.run(['printf', 'a'], { encoding: 'hex' })).stdout).toBe('61');
  });

  it('gives its text without the last line feed, and its JSON', async () => {
    const runlet = await client();
    expect(await runlet.run(['printf', ' a\n\n']).text()).toBe(' a\n');
    expect(await runlet.run(['printf', '{"a":[1]}\n']).json()).toEqual({ a: [1] });
    const error = await errorOf(runlet.run(['printf', '{']).json());
    expect(error.name).toBe('SyntaxError');
  });

  it('hands on what it writes as it comes, and is read no faster than that is taken', async () => {
    const runlet = await client();
    const chunks: unknown[] = [];
    let taking = 0;
    const script = 'printf "gr\\303"; read line; printf "\\274n"; printf err >&2';
    const half = deferred<void>();
    async function* input() {
      await half.promise;
      yield 'go on\n';
    }
    const result = await runlet.run(['sh', '-c', script], {
      encoding: 'utf8',
      input: Readable.from(input()),
      onStdout: async (chunk) => {
        taking += 1;
        expect(taking).toBe(1);
        chunks.push(chunk);
        await Promise.resolve();
        half.resolve();
        taking -= 1;
      },
      onStderr: (chunk) => chunks.push(`err: ${chunk}`),
    });
    // No character is broken.
    expect(chunks.filter((chunk) => chunk !== 'err: err')).toEqual(['gr', 'ün']);
    expect(chunks).toContain('err: err');
    expect(result.stdout).toBe('grün');
  });

  it('is terminated when what takes its output fails, and fails with that', async () => {
    const runlet = await client();
    const failure = new Error('no room');
    const running = runlet.run(['sh', '-c', 'echo one; exec sleep 1000'], {
      onStdout: () => {
        throw failure;
      },
    });
    await expect(running).rejects.toBe(failure);
  });

  it('keeps nothing where that was asked for, however much it writes', async () => {
    const runlet = await client();
    let bytes = 0;
    const result = await runlet.run(['head', '-c', '300000', '/dev/zero'], {
      buffer: false,
      maxOutputBytes: 10,
      onStdout: (chunk) => {
        bytes += chunk.length;
      },
    });
    expect([bytes, result.stdout.length, result.totals.stdout]).toEqual([300_000, 0, 300_000]);
  });
});

describe('a command whose output may be dropped', () => {
  it('says what is missing in its result, and fails where nobody sees that', async () => {
    const runlet = await client();
    const taking = deferred<void>();
    // Nothing more is taken before all of it was written.
    const script = 'head -c 30000000 /dev/zero; echo done >&2';
    const running = runlet.run(['sh', '-c', script], {
      overflow: 'drop-oldest',
      retainedBytes: 100_000,
      onStdout: () => taking.promise,
      onStderr: () => taking.resolve(),
    });
    await errorOf(running.text()).then((error) => expect(error).toBeInstanceOf(OutputLostError));
    const { gaps, stdout, totals } = await running;
    const missing = gaps.reduce((sum, { length }) => sum + length, 0);
    expect([missing > 0, missing + stdout.length]).toEqual([true, totals.stdout]);
  });
});

describe('the lines of a command', () => {
  it('come as they are written, without what ends them', async () => {
    const runlet = await client();
    const script = 'echo one; printf "two\\r\\n\\nthree"';
    const lines: string[] = [];
    for await (const line of runlet.run(['sh', '-c', script]).lines()) lines.push(line);
    expect(lines).toEqual(['one', 'two', '', 'three']);
  });

  it('are there before the command ends, which goes on when they were taken', async () => {
    const runlet = await client();
    const answers = new Readable({ read() {} });
    const running = runlet.run(['sh', '-c', 'echo ask; read answer; echo "$answer"'], {
      input: answers,
    });
    const lines: string[] = [];
    for await (const line of running.lines()) {
      lines.push(line);
      if (line === 'ask') {
        answers.push('yes\n');
        answers.push(null);
      }
    }
    expect(lines).toEqual(['ask', 'yes']);
  });

  it('end with the failure of the command, unless it is not checked', async () => {
    const runlet = await client();
    const take = async (running: RunningCommand<Buffer>) => {
      const lines: string[] = [];
      const error = await (async () => {
        for await (const line of running.lines()) lines.push(line);
      })().catch((caught: unknown) => caught);
      return { error, lines };
    };
    const script = ['sh', '-c', 'echo one; exit 3'];
    const checked = await take(runlet.run(script));
    expect(checked.lines).toEqual(['one']);
    expect(checked.error).toBeInstanceOf(CommandError);
    expect(await take(runlet.run(script, { check: false }))).toEqual({
      error: undefined,
      lines: ['one'],
    });
  });

  it('terminate the command when they are left', async () => {
    const runlet = await client();
    const running = runlet.run(['sh', '-c', 'while echo line; do :; done']);
    for await (const line of running.lines()) {
      expect(line).toBe('line');
      break;
    }
    expect((await errorOf(running)).name).toBe('AbortError');
  });

  it('are bounded, each of them', async () => {
    const runlet = await client();
    const running = runlet.run(['head', '-c', '300000', '/dev/zero'], { maxOutputBytes: 1000 });
    const error = await errorOf(
      (async () => {
        for await (const line of running.lines()) expect(line).toBe('');
      })(),
    );
    expect(error).toBeInstanceOf(RunOutputError);
  });
});

describe('a command that is checked', () => {
  it('fails with what it was, how it ended, and the end of what it said', async () => {
    const runlet = await client();
    const script = 'yes x | head -c 10000 >&2; echo "no good" >&2; exit 3';
    const error = await errorOf(runlet.run(['sh', '-c', script], { check: true }));
    if (!(error instanceof CommandError)) throw error;
    const { argv, code, command, exitCode, result, signal, stderr } = error;
    expect({ argv, code, command, exitCode, signal }).toEqual({
      argv: ['sh', '-c', script],
      code: 'COMMAND_FAILED',
      command: `sh -c '${script}'`,
      exitCode: 3,
      signal: null,
    });
    expect(stderr.length).toBe(4096);
    expect(error.message).toMatch(
      /^the command failed with the exit code 3: sh -c .*\nx\n(?:x\n)*no good$/,
    );
    expect(result.stderr.length).toBe(10_008);
  });

  it('says what signal ended it, and why', async () => {
    const runlet = await client();
    const error = await errorOf(runlet.run(['sleep', '1000'], { check: true, timeoutMs: 1 }));
    expect(error.message).toBe('the command was ended by SIGTERM (timed-out): sleep 1000');
  });
});

describe('a string as a command', () => {
  it('is refused with the way to say it', async () => {
    const runlet = await client();
    const error = await errorOf(runlet.run('ls -l /tmp'));
    expect(error).toBeInstanceOf(OptionError);
    expect(error.message).toContain(
      "['ls', '-l', '/tmp'], or ask for a shell with { shell: true }",
    );
  });

  it('is run by a shell where one is asked for', async () => {
    const runlet = await client();
    expect(await runlet.run('echo a | tr a b', { shell: true }).text()).toBe('b');
    expect(await runlet.run('echo "$0"', { shell: '/bin/sh' }).text()).toBe('/bin/sh');
    const error = await errorOf(runlet.run(['echo', 'a'], { shell: true }));
    expect(error).toMatchObject({ code: 'OPTION_INVALID', option: 'shell' });
  });
});

describe('a template', () => {
  it('runs what it says, with what is inserted as it is', async () => {
    const runlet = await client();
    const evil = `a b; $(echo pwned) "'`;
    expect(await runlet.$`printf %s,%s ${evil} x${1}y`.text()).toBe(`${evil},x1y`);
    expect((await runlet.$`echo ${['a b', 'c']}`).stdout).toBe('a b c\n');
    expect((await errorOf(runlet.$`false`)).name).toBe('CommandError');
  });

  it('takes options, and quotes what is inserted into what a shell reads', async () => {
    const runlet = await client();
    const evil = `a'b; echo $HOME "c"`;
    const shell = runlet.$({ shell: true, cwd: '/' });
    expect(await shell`pwd; printf '%s\n' ${evil} ${['d e', 'f']} | tr d D`.text()).toBe(
      `/\n${evil}\nD e\nf`,
    );
    expect((await runlet.$({ check: false })`false`).code).toBe(1);
    const { stdout } = await runlet.$({ encoding: 'buffer' })`echo a`;
    expectTypeOf(stdout).toEqualTypeOf<Buffer>();
    expect(stdout).toEqual(Buffer.from('a\n'));
  });
});

describe('the defaults of a client', () => {
  it('hold for runs and starts whose options do not say', async () => {
    const { address } = await serveHere();
    const runlet = connectTo(address, {
      defaults: { cwd: '/', envPolicy: { inherit: 'core' }, timeoutMs: 1 },
    });
    expect((await runlet.run(['sleep', '1000'])).reason).toBe('timed-out');
    const forEver = { timeoutMs: Number.POSITIVE_INFINITY };
    expect(await runlet.run(['pwd'], { ...forEver, cwd: undefined }).text()).toBe('/');
    expect(await runlet.run(['pwd'], { ...forEver, cwd: '/usr' }).text()).toBe('/usr');
    const session = await runlet.session();
    const process = await session.start({ argv: ['sleep', '1000'] });
    expect((await process.closed).reason).toBe('timed-out');
  });
});

describe('a variable that is undefined', () => {
  it('is removed from what is inherited', async () => {
    const runlet = await client();
    expect(await runlet.run(['/bin/sh', '-c', 'echo "$HOME"'], { env }).text()).not.toBe('');
    const without = { env: { ...env, HOME: undefined } };
    expect(await runlet.run(['/bin/sh', '-c', 'printenv HOME || echo none'], without).text()).toBe(
      'none',
    );
  });
});
