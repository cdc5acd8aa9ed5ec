import { SandboxAccess } from '../../gen/runlet/v1/sandbox_pb.ts';
import { ensureEqual, ensureFails } from '../assert.ts';
import type { Check } from '../check.ts';
import {
  hidden,
  outputIn,
  type RuleInit,
  readable,
  runIn,
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

/** What is left where nothing was made, and how often and in which steps it is waited for. */
const LEFT = 'other other/file';
const TIDY_TRIES = 20;
const TIDY_MS = 50;

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
        let names = await folder.names();
        // What keeps a path from being made goes with the last of what is inside, which may be after
        // the end of the output.
        for (let tries = 0; names !== LEFT && tries < TIDY_TRIES; tries += 1) {
          await context.letPass(TIDY_MS);
          names = await folder.names();
        }
        ensureEqual(names, LEFT, 'what is there afterwards');
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
];
