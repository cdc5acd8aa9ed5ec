import { describe, expect, it } from 'vitest';
import { CAN_MOUNT, diagnose, expectSound, SMALL } from '../support/doctor.ts';
import { hasBwrap } from '../support/needed-tools.ts';

const BWRAP = '/usr/bin/bwrap';

describe.skipIf(!CAN_MOUNT || !hasBwrap())(
  'what runlet doctor says of sandboxes (needs root, bwrap)',
  () => {
    it('is what to install where there is no bwrap', async () => {
      const found = await diagnose({ args: SMALL, before: `mount --bind /dev/null ${BWRAP}` });
      expectSound(found);
      expect(found.of('bubblewrap')).toMatchObject({
        ok: false,
        required: false,
        detail: expect.stringContaining('there is no bwrap in /usr/bin'),
        remedy: expect.stringContaining('apt-get install bubblewrap'),
      });
      expect(found.code).toBe(0);
    });

    it('is that bwrap is too old, or may be changed by others', async () => {
      const old =
        '#!/bin/sh\\ncase $1 in --version) echo bubblewrap 0.4.1 ;; *) echo "    --bind SRC DEST" ;; esac\\n';
      const aged = await diagnose({
        args: SMALL,
        before: `printf '${old}' > "$0/old"; chmod 755 "$0/old"; mount --bind "$0/old" ${BWRAP}`,
      });
      expectSound(aged);
      expect(aged.of('bubblewrap').detail).toBe(
        `${BWRAP} is bubblewrap 0.4.1, which has no --args`,
      );
      expect(aged.of('bubblewrap').remedy).toContain('0.10 or later');
      const others = await diagnose({
        args: SMALL,
        before: `cp ${BWRAP} "$0/own"; chown 1 "$0/own"; mount --bind "$0/own" ${BWRAP}`,
      });
      expectSound(others);
      expect(others.of('bubblewrap').remedy).toContain('chown root');
    });

    it('is which setting forbids namespaces of users', async () => {
      const found = await diagnose({
        args: SMALL,
        unshare: ['--user', '--map-root-user'],
        before: 'echo 0 > /proc/sys/user/max_user_namespaces',
      });
      expectSound(found);
      expect(found.of('bubblewrap').ok).toBe(true);
      expect(found.of('sandboxes')).toMatchObject({
        ok: false,
        required: false,
        detail: expect.stringMatching(
          /^8 of 8 parts do not work: namespaces: sandbox: .*\(ENOSPC\)/,
        ),
        remedy: expect.stringContaining('sysctl -w user.max_user_namespaces='),
      });
    });

    it('is what alone does not work', async () => {
      const network = await diagnose({
        args: SMALL,
        unshare: ['--user', '--map-root-user'],
        before: 'echo 0 > /proc/sys/user/max_net_namespaces',
      });
      expectSound(network);
      expect(network.of('sandboxes').consequence).toContain('`SANDBOX_NETWORK_HOST` work');
      const proc = await diagnose({
        args: SMALL,
        // What containers do to hide some of it: the kernel mounts no other that shows it.
        before: 'mount -t tmpfs none /proc/bus',
        unshare: ['--pid', '--mount-proc', '--fork', '--kill-child'],
      });
      expectSound(proc);
      expect(proc.of('sandboxes').remedy).toContain('systempaths=unconfined');
    });
  },
);
