import {
  SandboxAccess,
  type SandboxNetwork,
  SandboxPlace,
} from '../../gen/runlet/v1/sandbox_pb.ts';
import { ensureAllFail, ensureEqual, ensureFails, ensureInvalid } from '../assert.ts';
import type { Check } from '../check.ts';
import type { CheckContext } from '../context.ts';
import {
  hidden,
  outputIn,
  PLATFORM,
  type RuleInit,
  readable,
  runIn,
  type SandboxInit,
  shellWith,
  writable,
} from '../sandboxes.ts';

const { NONE, READ, WRITE } = SandboxAccess;
const UNAVAILABLE = 'FAILED_PRECONDITION/SANDBOX_UNAVAILABLE';

/** Tells of each argument whether it can be read, and whether it can be written to. */
const TRY = (...paths: readonly string[]): string =>
  paths
    .map(
      (path) => `r=-; w=-; { cat ${path} > /dev/null; } 2> /dev/null && r=r
        { echo changed >> ${path}; } 2> /dev/null && w=w; printf %s "$r$w "`,
    )
    .join('\n');

function start(context: CheckContext, sandbox: SandboxInit): Promise<unknown> {
  return context.startShell('true', { cwd: '/', sandbox });
}

/** What rules allow. */
export const sandboxRules: readonly Check[] = [
  {
    id: 'SANDBOX-01',
    title: 'What no rule names does not exist inside',
    clause: 'Sandbox.rules',
    needs: ['sandbox', 'unconfined'],
    async run(context) {
      const folder = await context.makeFolder(': > file');
      const script = `test -e ${folder.at('file')} || echo none; ls ${folder.path} 2> /dev/null || echo none`;
      ensureEqual(await outputIn(context, shellWith(), script), 'none\nnone\n', 'what is there');
    },
  },
  {
    id: 'SANDBOX-02',
    title: 'What may be read is as it is outside, and cannot be changed',
    clause: 'SANDBOX_ACCESS_READ',
    needs: ['sandbox', 'unconfined'],
    async run(context) {
      const folder = await context.makeFolder('printf kept > file');
      const script = `cd ${folder.path} && cat file && for try in 'echo x > file' ': > new' 'rm file' 'mkdir d' 'mv file other' 'chmod 600 file' 'ln file hard'; do
        (eval "$try") 2> /dev/null && echo "$try"; done`;
      const output = await outputIn(context, shellWith(readable(folder.path)), script);
      ensureEqual(output, 'kept', 'what can be done');
      ensureEqual(await folder.sh('cat file; ls'), 'keptfile\n', 'what is there afterwards');
    },
  },
  {
    id: 'SANDBOX-03',
    title: 'What is written inside is there outside',
    clause: 'SANDBOX_ACCESS_WRITE',
    needs: ['sandbox', 'unconfined'],
    async run(context) {
      const folder = await context.makeFolder('mkdir d; : > d/old');
      const script = `cd ${folder.path} && printf new > file && mkdir e && mv d/old e/moved && rmdir d`;
      await runIn(context, shellWith(writable(folder.path)), script);
      ensureEqual(await folder.names(), 'e e/moved file', 'what is there');
      ensureEqual(await folder.sh('cat file'), 'new', 'what is in the file');
    },
  },
  {
    id: 'SANDBOX-04',
    title: 'What is denied inside of a folder that may be changed stays out of reach',
    clause: 'SANDBOX_ACCESS_NONE',
    needs: ['sandbox', 'unconfined'],
    async run(context) {
      const folder = await context.makeFolder(
        'mkdir secret; printf s > secret/file; printf t > key',
      );
      const rules = [writable(folder.path), hidden(folder.at('secret')), hidden(folder.at('key'))];
      const script = `cd ${folder.path}; cat secret/file key; ls -A secret; echo x > secret/new
        echo x > key; rm -rf secret key; mv secret elsewhere; mv key other; : > open`;
      ensureEqual(await outputIn(context, shellWith(...rules), script), '', 'what can be read');
      ensureEqual(await folder.names(), 'key open secret secret/file', 'what is there');
      ensureEqual(await folder.sh('cat secret/file key'), 'st', 'what is in it');
    },
  },
  {
    id: 'SANDBOX-05',
    title: 'Below what is denied or may only be read, a rule for a longer path opens it again',
    clause: 'Sandbox.rules',
    needs: ['sandbox', 'unconfined'],
    async run(context) {
      const folder = await context.makeFolder(
        'mkdir -p r/w n/r n/w; for d in r r/w n n/r n/w; do : > $d/file; done',
      );
      // In no particular order: that does not count.
      const rules = [
        writable(folder.at('n/w')),
        readable(folder.at('r')),
        writable(folder.at('r/w')),
        hidden(folder.at('n')),
        readable(folder.at('n/r')),
        writable(folder.path),
      ];
      const files = ['r', 'r/w', 'n', 'n/r', 'n/w'].map((name) => folder.at(`${name}/file`));
      const output = await outputIn(context, shellWith(...rules), TRY(...files));
      ensureEqual(output, 'r- rw -- r- rw ', 'what can be done with each');
    },
  },
  {
    id: 'SANDBOX-06',
    title: 'Of rules for one path, none counts before write, and write before read',
    clause: 'Sandbox.rules',
    needs: ['sandbox', 'unconfined'],
    async run(context) {
      const folder = await context.makeFolder('mkdir a b c; for d in a b c; do : > $d/file; done');
      const both = (path: string, ...accesses: readonly SandboxAccess[]): RuleInit[] =>
        accesses.map((access) => ({ path, access }));
      const rules = [
        ...both(folder.at('a'), WRITE, READ),
        ...both(folder.at('b'), NONE, WRITE),
        ...both(folder.at('c'), READ, NONE),
      ];
      const files = ['a', 'b', 'c'].map((name) => folder.at(`${name}/file`));
      const output = await outputIn(context, shellWith(...rules), TRY(...files));
      ensureEqual(output, 'rw -- -- ', 'what can be done with each');
    },
  },
  {
    id: 'SANDBOX-07',
    title: 'A rule for what is not there fails, unless it may be missing, and nothing is run',
    clause: 'SandboxRule.missing_ok',
    needs: ['sandbox', 'unconfined'],
    async run(context) {
      const folder = await context.makeFolder();
      for (const access of [READ, WRITE, NONE]) {
        const rules = [writable(folder.path), { path: folder.at('missing'), access }];
        const started = context.startShell(`: > ${folder.at('ran')}`, {
          cwd: '/',
          sandbox: shellWith(...rules),
        });
        const { sandboxFailure } = await ensureFails(started, UNAVAILABLE, SandboxAccess[access]);
        const { errnoName, step } = sandboxFailure ?? {};
        ensureEqual([step, errnoName], ['rule', 'ENOENT'], 'the failure');
      }
      ensureEqual(await folder.names(), '', 'what is there');
    },
  },
  {
    id: 'SANDBOX-08',
    title: 'What may be missing and may not be changed cannot be made from inside',
    clause: 'SandboxRule.missing_ok',
    needs: ['sandbox', 'unconfined'],
    async run(context) {
      for (const access of [READ, NONE]) {
        const folder = await context.makeFolder('mkdir other; : > other/file');
        const rule = { path: folder.at('protected'), access, missingOk: true };
        const script = `cd ${folder.path}; mkdir protected; echo x > protected/file; echo x > protected
          ln -s other protected; ln -sfn other protected; mv other protected; mv -T other protected
          mv protected elsewhere; rmdir protected; cat protected/file protected; :`;
        const sandbox = shellWith(writable(folder.path), rule);
        ensureEqual(await outputIn(context, sandbox, script), '', SandboxAccess[access]);
        ensureEqual(await folder.names(), 'other other/file', 'what is there afterwards');
      }
    },
  },
  {
    id: 'SANDBOX-09',
    title: 'A folder on the way to what is protected cannot be moved out of the way',
    clause: 'SANDBOX_ACCESS_NONE',
    needs: ['sandbox', 'unconfined'],
    async run(context) {
      const folder = await context.makeFolder('mkdir -p a/b/secret; : > a/b/secret/file');
      const script = `cd ${folder.path}; mv a c; mv a/b a/d; mkdir -p a/b/secret && : > a/b/secret/new; :`;
      const rules = [writable(folder.path), hidden(folder.at('a/b/secret'))];
      await runIn(context, shellWith(...rules), script);
      ensureEqual(await folder.names(), 'a a/b a/b/secret a/b/secret/file', 'what is there');
    },
  },
  {
    id: 'SANDBOX-10',
    title: 'A rule for a link is one for what it leads to, which its name leads to inside',
    clause: 'SandboxRule.path',
    needs: ['sandbox', 'unconfined'],
    async run(context) {
      const folder = await context.makeFolder(
        'mkdir target; printf t > target/file; ln -s target link',
      );
      const script = `cat ${folder.at('link/file')} ${folder.at('target/file')}`;
      const sandbox = shellWith(readable(folder.at('link')));
      ensureEqual(await outputIn(context, sandbox, script), 'tt', 'what is read');
    },
  },
  {
    id: 'SANDBOX-11',
    title: 'A rule for a file is for that file alone',
    clause: 'SandboxRule.path',
    needs: ['sandbox', 'unconfined'],
    async run(context) {
      const folder = await context.makeFolder('printf a > a; printf b > b; printf c > c');
      const rules = [readable(folder.at('a')), writable(folder.at('b'))];
      const files = ['a', 'b', 'c'].map((name) => folder.at(name));
      const output = await outputIn(context, shellWith(...rules), TRY(...files));
      ensureEqual(output, 'r- rw -- ', 'what can be done with each');
      ensureEqual(await folder.sh('cat a b'), 'abchanged\n', 'what is in them');
    },
  },
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
  {
    id: 'SANDBOX-16',
    title: 'A sandbox that is wrong in itself is refused, with the field that is wrong',
    clause: 'SandboxRule',
    needs: 'sandbox',
    async run(context) {
      const wrong: Record<string, [SandboxInit, RegExp]> = {
        'a path that is not absolute': [
          { rules: [{ path: 'a', access: READ }] },
          /^spec\.sandbox\.rules\[0\]\.path$/,
        ],
        'no access': [
          { rules: [PLATFORM, { path: '/usr' }] },
          /^spec\.sandbox\.rules\[1\]\.access$/,
        ],
        'neither a path nor a place': [{ rules: [{ access: READ }] }, /^spec\.sandbox\.rules\[0\]/],
        'a path and a place': [
          { rules: [{ path: '/usr', place: SandboxPlace.ROOT, access: READ }] },
          /^spec\.sandbox\.rules\[0\]/,
        ],
        'a profile that there is not': [
          { profile: `no-profile-${context.sessionId.slice(0, 8)}` },
          /^spec\.sandbox\.profile$/,
        ],
        'a folder of its own': [{ ...shellWith(), cwd: '/' }, /^spec\.sandbox\.cwd$/],
        'a network that there is not': [
          { ...shellWith(), network: 99 as SandboxNetwork },
          /^spec\.sandbox\.network$/,
        ],
      };
      for (const [what, [sandbox, field]] of Object.entries(wrong)) {
        await ensureInvalid(start(context, sandbox), field, what);
      }
    },
  },
  {
    id: 'SANDBOX-17',
    title: 'A sandbox has no more rules than `max_sandbox_rules`',
    clause: 'Limits.max_sandbox_rules',
    needs: 'sandbox',
    async run(context) {
      const most = context.info.limits?.maxSandboxRules ?? 0;
      const rules = Array.from({ length: most }, () => PLATFORM);
      await start(context, { rules });
      await ensureAllFail(
        { 'one more': start(context, { rules: [...rules, PLATFORM] }) },
        'RESOURCE_EXHAUSTED/LIMIT_EXCEEDED',
      );
    },
  },
];
