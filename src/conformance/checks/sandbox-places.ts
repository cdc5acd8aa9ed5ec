import { SandboxAccess, SandboxPlace } from '../../gen/runlet/v1/sandbox_pb.ts';
import { ensureEqual, ensureFails, ensureInvalid } from '../assert.ts';
import type { Check } from '../check.ts';
import { outputIn, runIn, shellWith } from '../sandboxes.ts';

const { READ, WRITE } = SandboxAccess;

/** What the places that have names are. */
export const sandboxPlaces: readonly Check[] = [
  {
    id: 'SANDBOX-12',
    title: 'The platform runs a shell and its tools, and cannot be changed',
    clause: 'SANDBOX_PLACE_PLATFORM',
    needs: 'sandbox',
    async run(context) {
      const names = ['/usr', '/etc'].map((folder) => `${folder}/runlet-${context.sessionId}`);
      const script = `id -un > /dev/null && ls / > /dev/null && echo runs
        ${names.map((name) => `(: > ${name})`).join('; ')}
        test -c /dev/null && test -c /dev/urandom && test -e /proc/self/status && echo devices
        test -b /dev/sda || test -b /dev/vda || test -e /dev/mem || echo few`;
      const output = await outputIn(context, shellWith(), script);
      // Whatever was made there.
      const look = 'for name do if test -e "$name"; then echo "$name"; rm "$name"; fi; done';
      const made = await context.outputOf(['/bin/sh', '-c', look, 'sh', ...names]);
      ensureEqual(output, 'runs\ndevices\nfew\n', 'what there is');
      ensureEqual(made, '', 'what was changed');
    },
  },
  {
    id: 'SANDBOX-13',
    title: 'The folder for temporary files is empty, private, and gone afterwards; TMPDIR names it',
    clause: 'SANDBOX_PLACE_TEMP',
    needs: 'sandbox',
    async run(context) {
      const sandbox = shellWith({ place: SandboxPlace.TEMP, access: WRITE });
      const name = `/tmp/runlet-${context.sessionId}`;
      const script = `echo "$TMPDIR" $(ls -A /tmp); : > ${name} && test -e ${name} && echo made`;
      const outputs: string[] = [];
      for (const _ of [1, 2]) outputs.push(await outputIn(context, sandbox, script));
      const look = `if test -e ${name}; then echo there; rm ${name}; else echo none; fi`;
      const outside = await context.outputOf(['/bin/sh', '-c', look]);
      ensureEqual(outputs, ['/tmp\nmade\n', '/tmp\nmade\n'], 'what is in it');
      ensureEqual(outside, 'none\n', 'what is outside');
      const set = await outputIn(context, sandbox, 'echo "$TMPDIR"', {
        env: { PATH: '/usr/bin:/bin', TMPDIR: '/set' },
      });
      ensureEqual(set, '/set\n', 'what is set by the caller');
    },
  },
  {
    id: 'SANDBOX-14',
    title: 'The root is all of the machine, with processes and devices of its own',
    clause: 'SANDBOX_PLACE_ROOT',
    needs: ['sandbox', 'unconfined'],
    async run(context) {
      const folder = await context.makeFolder('printf there > file');
      const outside = (
        await context.outputOf(['/bin/sh', '-c', 'ls -d /proc/[0-9]* | wc -l'])
      ).trim();
      const sandbox = { rules: [{ place: SandboxPlace.ROOT, access: READ }] };
      const script = `cat ${folder.at('file')}; { echo x > ${folder.at('file')}; } 2> /dev/null && echo changed
        test $(ls -d /proc/[0-9]* | wc -l) -lt 9 && echo few; test -e /dev/mem || echo none; : ${outside}`;
      ensureEqual(await outputIn(context, sandbox, script), 'therefew\nnone\n', 'what there is');
    },
  },
  {
    id: 'SANDBOX-15',
    title: 'The working directory is that of the spec, which has to name one then',
    clause: 'SANDBOX_PLACE_CWD',
    needs: ['sandbox', 'unconfined'],
    async run(context) {
      const folder = await context.makeFolder('mkdir d');
      const sandbox = shellWith({ place: SandboxPlace.CWD, access: WRITE });
      await runIn(context, sandbox, ': > made', { cwd: folder.at('d') });
      ensureEqual(await folder.names(), 'd d/made', 'what is there');
      const without = context.startShell('true', { sandbox });
      await ensureInvalid(without, /^spec\.cwd$/, 'without a folder');
      const missing = context.startShell('true', { sandbox, cwd: folder.at('missing') });
      const { startFailure } = await ensureFails(
        missing,
        'FAILED_PRECONDITION/START_FAILED',
        'a folder that is not there',
      );
      ensureEqual([startFailure?.stage, startFailure?.errnoName], [1, 'ENOENT'], 'the failure');
    },
  },
];
