import { ensureEqual, ensureFails } from '../assert.ts';
import type { Check } from '../check.ts';

/** A user that nearly every machine has, and that has no rights. */
const USER = 'nobody';

/** Processes of other users. */
export const users: readonly Check[] = [
  {
    id: 'USER-01',
    title: 'A process runs as the user that it is to run as, by name and by number',
    clause: 'ProcessSpec.user',
    needs: 'users',
    async run(context) {
      const script = 'id -un; id -u';
      const byName = await context.outputOf(['/bin/sh', '-c', script], { user: USER, cwd: '/' });
      const [name, number = ''] = byName.trim().split('\n');
      ensureEqual(name, USER, 'whom it runs as');
      const byNumber = await context.outputOf(['/bin/sh', '-c', script], {
        user: number,
        cwd: '/',
      });
      ensureEqual(byNumber, byName, 'whom it runs as, by number');
    },
  },
  {
    id: 'USER-02',
    title: 'The variables that say who a user is are those of the user, unless they are set',
    clause: 'ProcessSpec.user',
    needs: 'users',
    async run(context) {
      const script = 'echo "$USER $LOGNAME $SHELL"';
      const env = { PATH: '/usr/bin:/bin', SHELL: '/set' };
      const output = await context.outputOf(['/bin/sh', '-c', script], {
        user: USER,
        cwd: '/',
        env,
      });
      ensureEqual(output, `${USER} ${USER} /set\n`, 'what they are');
    },
  },
  {
    id: 'USER-03',
    title: 'A user that there is not is refused, and so is another name for its program',
    clause: 'ProcessSpec.user',
    needs: 'users',
    async run(context) {
      const refused = 'INVALID_ARGUMENT/INVALID_REQUEST';
      const user = `no-user-${context.sessionId.slice(0, 8)}`;
      const none = context.startShell('true', { user });
      await ensureFails(none, refused, 'a user that there is not');
      const named = context.startShell('true', { user: USER, arg0: 'other', cwd: '/' });
      await ensureFails(named, refused, 'arg0');
    },
  },
];
