import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CAN_MOUNT, diagnose, expectSound, SMALL } from '../support/doctor.ts';

/** What is missing without whatever is named first. */
const ON_PROC = ['launcher', 'process-marks', 'process-limits', 'terminals', 'files'];

describe.skipIf(!CAN_MOUNT)(
  'runlet doctor on a machine that lacks something (needs root, unshare)',
  () => {
    it('finds that there is no /proc', async () => {
      const found = await diagnose({ args: SMALL, before: 'mount -t tmpfs none /proc' });
      expectSound(found);
      expect(found.of('proc')).toMatchObject({
        ok: false,
        required: true,
        remedy: expect.stringContaining('mount -t proc proc /proc'),
      });
      expect(found.code).toBe(1);
      expect(found.ill).toEqual(expect.arrayContaining(ON_PROC));
      expect(found.of('launcher').detail).toMatch(/^child_process, since there is no posix_spawn/);
      // Mending it mends all of these.
      for (const name of ['launcher', 'process-limits', 'files', 'cgroups']) {
        expect(found.of(name).remedy).toBe('Mend `proc` first.');
      }
    });

    it('finds /proc of other processes, and a part of it', async () => {
      const foreign = await diagnose({
        args: SMALL,
        before: ':',
        unshare: ['--pid', '--fork', '--kill-child'],
      });
      expectSound(foreign);
      expect(foreign.of('proc').detail).toContain('another namespace');
      const part = await diagnose({
        args: SMALL,
        before: 'mount -t proc -o subset=pid proc /proc',
      });
      expectSound(part);
      expect(part.of('proc')).toMatchObject({
        ok: false,
        required: false,
        detail: expect.stringContaining('subset=pid'),
      });
    });

    it('finds that there are no cgroups', async () => {
      const found = await diagnose({ args: SMALL, before: 'mount -t tmpfs none /sys/fs/cgroup' });
      expectSound(found);
      expect(found.of('cgroups')).toMatchObject({
        ok: false,
        required: false,
        remedy: expect.stringContaining('mount -t cgroup2 none /sys/fs/cgroup'),
      });
      expect(found.code).toBe(0);
    });

    it('finds a state folder that is read-only', async () => {
      const before = 'mount -t tmpfs -o ro,mode=0700 none "$0/state"';
      const asked = await diagnose({
        args: [...SMALL, '--state-dir', '/mnt'],
        before: 'mount -t tmpfs -o ro,mode=0700 none /mnt',
      });
      expectSound(asked);
      expect(asked.of('state-folder')).toMatchObject({
        ok: false,
        required: true,
        detail: '/mnt cannot be written to (EROFS)',
        consequence: '`runlet serve` does not start.',
        remedy: expect.stringContaining('`ReadWritePaths=/mnt`'),
      });
      expect(asked.code).toBe(1);
      // Of the default folder that is not there it does not matter as much.
      const byDefault = await diagnose({ args: SMALL, before });
      expectSound(byDefault);
      expect(byDefault.of('state-folder')).toMatchObject({ ok: false, required: false });
      expect(byDefault.code).toBe(0);
      const without = await diagnose({
        args: ['--output-disk', '0', '--state-dir', '/mnt'],
        before: 'mount -t tmpfs -o ro,mode=0700 none /mnt',
      });
      expectSound(without);
      expect(without.of('state-folder')).toMatchObject({
        required: false,
        consequence: expect.stringContaining('What a killed server leaves'),
      });
    });

    it('finds a disk that is full, and one that is small', async () => {
      const mount = 'mount -t tmpfs -o size=8m,mode=0700 none /mnt';
      const full = await diagnose({
        args: [...SMALL, '--state-dir', '/mnt'],
        before: `${mount}; head -c 16m /dev/zero 2>&- > /mnt/full || true`,
      });
      expectSound(full);
      expect(full.of('state-folder')).toMatchObject({
        ok: false,
        required: true,
        detail: '/mnt cannot be written to (ENOSPC)',
        remedy: expect.stringContaining('Make room where /mnt is.'),
      });
      expect(full.of('output-disk').remedy).toContain('--output-disk 0`');
      const small = await diagnose({ args: ['--state-dir', '/mnt'], before: mount });
      expectSound(small);
      expect(small.of('state-folder').ok).toBe(true);
      expect(small.of('state-file-system').consequence).toContain('stays in memory');
      const [, possible = ''] =
        /--output-disk (\w+)`/.exec(small.of('output-disk').remedy ?? '') ?? [];
      expect(possible).toBe('6MiB');
      const mended = await diagnose({
        args: ['--state-dir', '/mnt', '--output-disk', possible],
        before: mount,
      });
      expect(mended.of('output-disk').ok).toBe(true);
    });

    it('finds that there are no terminals', async () => {
      const found = await diagnose({ args: SMALL, before: 'mount -t tmpfs none /dev/pts' });
      expectSound(found);
      expect(found.of('terminals')).toMatchObject({
        ok: false,
        detail: expect.stringContaining('devpts is not mounted'),
        remedy: expect.stringContaining('mount -t devpts'),
      });
      const none = await diagnose({
        args: SMALL,
        before:
          'mount -t devpts -o newinstance,max=1,ptmxmode=666 none /dev/pts; mount --bind /dev/pts/ptmx /dev/ptmx; exec 9<>/dev/ptmx',
      });
      expectSound(none);
      expect(none.of('terminals').remedy).toContain('kernel.pty.max');
    });

    it('finds that the native module is not there', async () => {
      const koffi = join(process.cwd(), 'node_modules', 'koffi');
      const found = await diagnose({
        args: SMALL,
        before: `mount -t tmpfs none "$(readlink -f ${koffi})"`,
      });
      expectSound(found);
      expect(found.of('native-module')).toMatchObject({
        ok: false,
        required: true,
        remedy: expect.stringContaining('npm install --include=optional'),
      });
      expect(found.of('launcher').remedy).toBe('Mend `native-module` first.');
      expect(found.code).toBe(1);
    });
  },
);
