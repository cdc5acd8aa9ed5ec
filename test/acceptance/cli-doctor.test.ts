import { readdirSync, readFileSync } from 'node:fs';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CHECKS } from '../../src/doctor/checks.ts';
import { parseMounts } from '../../src/machine/mounts.ts';
import { ownCgroup } from '../../src/machine/own-cgroup.ts';
import { createLauncher } from '../../src/process/launchers.ts';
import { runCli } from '../support/cli.ts';
import { CAN_MOUNT, diagnose, expectSound, SMALL } from '../support/doctor.ts';
import { temporaryFolder } from '../support/harness.ts';
import { mountHung } from '../support/hung-mount.ts';
import { hasBwrap } from '../support/needed-tools.ts';
import { CAN_SERVE_AS_ORDINARY_USER, ORDINARY_USER } from '../support/ordinary-user.ts';
import { HAS_PRLIMIT } from '../support/rlimits.ts';

const HAS_BWRAP = hasBwrap();
const BWRAP = '/usr/bin/bwrap';

describe('runlet doctor', () => {
  it('says the same as a server finds out', async () => {
    const found = await diagnose({ args: SMALL });
    expectSound(found);
    expect(found.checks.map(({ name }) => name)).toEqual(CHECKS.map(({ name }) => name));
    const { limits, name, sandboxes = false, terminals, tree } = createLauncher();
    expect(found.of('launcher').detail).toContain(name);
    expect(found.of('launcher').ok).toBe(name === 'posix_spawn');
    expect(found.of('terminals').ok).toBe(terminals);
    expect(found.of('process-limits').ok).toBe(limits);
    expect(found.of('cgroups').ok).toBe(tree === 'cgroup');
    expect(found.of('sandboxes').ok).toBe(sandboxes && HAS_BWRAP);
    expect(found.of('node-version').detail).toContain(process.versions.node);
    for (const folder of ['state-folder', 'output-disk', 'temporary-folder', 'runtime-folder']) {
      expect(found.of(folder)).toMatchObject({ ok: true, consequence: null, remedy: null });
    }
    expect(found.code).toBe(0);
  });

  it('leaves nothing behind', async () => {
    const folder = await temporaryFolder();
    const found = await diagnose({ args: SMALL, env: { TMPDIR: folder } });
    expect(readdirSync(folder)).toEqual([]);
    expect(readdirSync(found.folder, { recursive: true }).sort()).toEqual(['runtime', 'state']);
    const own = ownCgroup(
      readFileSync('/proc/self/cgroup', 'utf8'),
      parseMounts(readFileSync('/proc/self/mountinfo', 'utf8')),
    );
    const groups = own === undefined ? [] : readdirSync(own.path);
    expect(groups.filter((name) => name.startsWith(`runlet-${found.pid}-`))).toEqual([]);
  });

  it('prints a line for each, with what to do below those that are not well', async () => {
    const folder = await temporaryFolder();
    await chmod(folder, 0o777);
    const { code, stderr, stdout } = await runCli(['doctor', '--state-dir', folder]);
    expect([code, stderr]).toEqual([1, '']);
    const text = stdout.toString();
    for (const { name } of CHECKS) {
      expect(text).toMatch(new RegExp(`^(?:ok|warn|fail) +${name} +\\S`, 'm'));
    }
    expect(text).toMatch(
      /^fail {2}state-folder +\S+ has mode 0777\n {6}`runlet serve` does not start\.\n {6}To mend it: Keep others out of it: `chmod 0700/m,
    );
    expect(text).toMatch(/\n\d+ ok; \d+ warn, which a server can do without; 1 fail, /);
    // And so it is.
    const served = await runCli(['serve', '--state-dir', folder]);
    expect([served.code, served.stdout.toString()]).toEqual([125, '']);
  });

  it.each([
    ['a file', (path: string) => writeFile(path, ''), 'is not a folder', 'Move what is at'],
    [
      'writable for others',
      (path: string) => mkdir(path).then(() => chmod(path, 0o770)),
      'has mode 0770',
      'Keep others out of it: `chmod 0700 ',
    ],
  ])('finds a state folder that is %s', async (_what, make, detail, remedy) => {
    const path = join(await temporaryFolder(), 'state');
    await make(path);
    const found = await diagnose({ args: [...SMALL, '--state-dir', path] });
    expectSound(found);
    expect(found.of('state-folder')).toMatchObject({
      ok: false,
      required: true,
      detail: `${path} ${detail}`,
      consequence: '`runlet serve` does not start.',
      remedy: expect.stringContaining(remedy),
    });
    expect(found.code).toBe(1);
  });

  it('takes a folder that is not there for one that can be made', async () => {
    const above = await temporaryFolder();
    const path = join(above, 'one', 'state');
    const found = await diagnose({ args: [...SMALL, '--state-dir', path] });
    expect(found.of('state-folder')).toMatchObject({
      ok: true,
      detail: `${path} is not there, and can be made in ${above}`,
    });
    expect(readdirSync(above)).toEqual([]);
  });

  it('says that a socket cannot have so long a path', async () => {
    const runtime = join(await temporaryFolder(), 'x'.repeat(100));
    const found = await diagnose({ args: SMALL, env: { XDG_RUNTIME_DIR: runtime } });
    expectSound(found);
    expect(found.of('runtime-folder')).toMatchObject({ ok: false, required: true });
    expect(found.of('runtime-folder').remedy).toContain('shorter path');
  });

  it.skipIf(!HAS_PRLIMIT)(
    'finds few descriptors, and how many processes they are for (needs prlimit)',
    async () => {
      const limit = { through: 'prlimit --nofile=400:400' };
      const found = await diagnose(limit);
      expectSound(found);
      const { detail, ok, remedy } = found.of('descriptors');
      expect(ok).toBe(false);
      expect(detail).toMatch(/^at most 400 files may be open, and 20000 processes /);
      // What it says helps.
      const [, possible = ''] = /--max-processes (\d+)/.exec(remedy ?? '') ?? [];
      expect(Number(possible)).toBeGreaterThan(0);
      const mended = await diagnose({ ...limit, args: ['--max-processes', possible] });
      expect(mended.of('descriptors').ok).toBe(true);
    },
  );

  it.skipIf(!HAS_PRLIMIT)(
    'finds a limit with which nothing can be marked (needs prlimit)',
    async () => {
      const found = await diagnose({ args: SMALL, through: 'prlimit --rttime=1000000:1000000' });
      expectSound(found);
      expect(found.of('process-marks')).toMatchObject({
        ok: false,
        required: false,
        remedy: expect.stringContaining('LimitRTTIME=infinity'),
      });
      expect(found.ill).toEqual(
        expect.arrayContaining(['process-limits', 'bubblewrap', 'sandboxes']),
      );
      expect(found.of('subreaper').ok).toBe(true);
    },
  );

  it('does not wait for a folder that does not answer', async (test) => {
    const folder = await temporaryFolder();
    const why = await mountHung(folder);
    if (why !== undefined) test.skip(`no mount that hangs: ${why}`);
    const found = await diagnose({ args: [...SMALL, '--state-dir', folder] });
    expectSound(found);
    expect(found.of('state-folder')).toMatchObject({
      ok: false,
      detail: `${folder} does not answer`,
      remedy: expect.stringContaining('umount --lazy'),
    });
    expect(found.ill).toEqual(expect.arrayContaining(['state-file-system', 'output-disk']));
    expect(found.of('runtime-folder').ok).toBe(true);
    const temporary = await diagnose({ args: SMALL, env: { TMPDIR: folder } });
    expectSound(temporary);
    expect(temporary.of('temporary-folder').ok).toBe(false);
    expect(temporary.of('sandboxes').remedy).toBe('Mend `temporary-folder` first.');
  });
});

describe.skipIf(ORDINARY_USER === undefined || !CAN_SERVE_AS_ORDINARY_USER)(
  'runlet doctor of an ordinary user (needs root, and a clone that others can read)',
  () => {
    it('says what that one has', async () => {
      const found = await diagnose({ args: SMALL, user: ORDINARY_USER });
      expectSound(found);
      const { name, terminals } = createLauncher();
      expect(found.of('launcher').detail).toContain(name);
      expect(found.of('terminals').ok).toBe(terminals);
      expect(found.of('state-folder').ok).toBe(true);
      expect(found.of('cgroups').ok).toBe(false);
      expect(found.code).toBe(0);
    });

    it('says whose a folder is', async () => {
      const folder = await temporaryFolder();
      await chmod(folder, 0o755);
      const asked = await diagnose({
        args: [...SMALL, '--state-dir', folder],
        user: ORDINARY_USER,
      });
      expectSound(asked);
      expect(asked.of('state-folder')).toMatchObject({
        ok: false,
        required: true,
        detail: `${folder} belongs to the user 0, and this is ${ORDINARY_USER}`,
        remedy: expect.stringContaining(`\`chown ${ORDINARY_USER} ${folder}\``),
      });
      // The default one is done without.
      const state = join(folder, 'runlet');
      const env = { XDG_STATE_HOME: folder };
      const missing = await diagnose({ args: SMALL, user: ORDINARY_USER, env });
      expect(missing.of('state-folder')).toMatchObject({
        ok: false,
        required: false,
        detail: `${state} is not there, and ${folder} cannot be written to (EACCES)`,
        consequence: expect.stringContaining('in memory alone'),
      });
      expect(missing.code).toBe(0);
    });

    it.skipIf(!HAS_PRLIMIT)(
      'says how many processes that one may have (needs prlimit)',
      async () => {
        const found = await diagnose({
          user: ORDINARY_USER,
          through: 'prlimit --nproc=15000:15000',
        });
        expectSound(found);
        expect(found.of('process-count')).toMatchObject({
          ok: false,
          detail: expect.stringMatching(/^at most 15000 processes and threads .*RLIMIT_NPROC/),
          remedy: expect.stringContaining('--max-processes 14936'),
        });
      },
    );

    it.skipIf(!CAN_MOUNT)('finds /proc that hides processes', async () => {
      const before = 'mount -t proc -o hidepid=2 proc /proc';
      const found = await diagnose({ args: SMALL, before, user: ORDINARY_USER });
      expectSound(found);
      expect(found.of('proc')).toMatchObject({
        ok: false,
        required: false,
        detail: expect.stringMatching(/hidepid=(?:2|invisible)/),
        remedy: expect.stringContaining('hidepid=0'),
      });
      const root = await diagnose({ args: SMALL, before });
      expect(root.of('proc').ok).toBe(true);
    });

    it.skipIf(!CAN_MOUNT || !HAS_BWRAP)('finds a bwrap that is set-user-ID', async () => {
      const found = await diagnose({
        args: SMALL,
        before: `cp ${BWRAP} "$0/setuid"; chmod 4755 "$0/setuid"; mount --bind "$0/setuid" ${BWRAP}`,
        user: ORDINARY_USER,
      });
      expectSound(found);
      expect(found.of('bubblewrap')).toMatchObject({
        ok: false,
        detail: `${BWRAP} is set-user-ID, and this server is not root's`,
        remedy: expect.stringContaining('chmod u-s'),
      });
      expect(found.of('sandboxes').remedy).toBe('Mend `bubblewrap` first.');
    });
  },
);
