import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { perform } from '../sandbox/acts/perform.ts';
import { POLICIES } from '../sandbox/acts/policies.ts';
import { type ActsProgram, compileActs } from '../sandbox/acts/program.ts';
import { nonce } from '../sandbox/acts/stage.ts';
import { connectClients } from '../support/harness.ts';
import { CAN_SERVE_AS_ORDINARY_USER, ORDINARY_USER } from '../support/ordinary-user.ts';
import { serveAs } from '../support/served.ts';

/** Who acts are done by: the user of the server, and who its processes run as. */
const USERS = [
  { name: 'the user of the server', server: undefined, as: undefined },
  ...(ORDINARY_USER === undefined
    ? []
    : [
        { name: 'an ordinary user of its own server', server: ORDINARY_USER, as: undefined },
        { name: "an ordinary user of root's server", server: undefined, as: ORDINARY_USER },
      ]),
];

/** A variable of the server. */
const SECRET_VARIABLE = 'ACTS_SERVER_SECRET';

let program: ActsProgram;
beforeAll(() => {
  program = compileActs();
});
afterAll(() => program.remove());

describe.each(USERS)('of all acts, done by $name,', ({ as, server }) => {
  const cases = POLICIES.map((policy) => [policy.name, policy] as const);
  it.skipIf(server !== undefined && !CAN_SERVE_AS_ORDINARY_USER).each(cases)(
    'where %s, just those are done that it allows',
    async (_, policy) => {
      const serverSecret = nonce();
      process.env[SECRET_VARIABLE] = serverSecret;
      onTestFinished(() => {
        delete process.env[SECRET_VARIABLE];
      });
      const { address } = await serveAs(server);
      if (address.kind !== 'unix') throw new Error('it listens elsewhere');
      const { processes } = connectClients(address);
      const review = await perform(
        {
          processes,
          socket: address.path,
          serverSecret,
          program: program.path,
          user: as ?? server ?? process.getuid?.() ?? 0,
          asked: as === undefined ? {} : { user: String(as) },
        },
        policy,
      );
      expect(review.disagreements).toEqual([]);
      expect(review.acts).toBeGreaterThan(policy.confined ? 400 : 200);
      expect(review.done).toBeGreaterThan(0);
    },
  );
});
