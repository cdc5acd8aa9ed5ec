import { allOf, linesOf, withoutKinds, withoutSeq, writesLines } from '../numbers.ts';
import type { Scenario } from '../scenario.ts';
import { attach, failureOf, shell } from '../stage.ts';

const MIB = 1024 * 1024;
const HOLDER = '5b2c8c0e-31a7-4d0e-9a55-0f6e2f3d7a01';
const READER = '0d1f7a52-6a0e-4f0a-8a44-3f0c5f7f9e03';

/** After the last break there is more than the server keeps for what is not acknowledged: 32 MiB. */
const WRITTEN = 48 * MIB;
/** Less than sockets hold: what is on its way at a break is retained for the reader alone. */
const RETAINED = 65_536;
const CUTS = 3;
const CUT_AFTER = 4 * MIB;

/** Output that its reader acknowledges. */
export const ACKNOWLEDGED: readonly Scenario[] = [
  {
    name: 'a process that waits for what is acknowledged loses nothing over breaks',
    bulky: true,
    async play(stage) {
      const proxy = await stage.throughProxy();
      const process_id = 'lines';
      const spec = shell(stage, writesLines(WRITTEN), {
        retained_bytes: RETAINED,
        overflow: 'OVERFLOW_PAUSE',
      });
      let { attachmentId } = await attach(stage, HOLDER, 1);
      await stage.perform('start', { process_id, attachment_id: attachmentId, spec });
      const watch = () =>
        stage.perform('watch', {
          ...{ process_id, attachment_id: attachmentId },
          ...{ reader: 'r', reader_id: READER },
        });
      for (let attempt = 2; attempt <= CUTS + 1; attempt += 1) {
        const cut = proxy.cutAfter(CUT_AFTER);
        const broken = failureOf(watch());
        await cut;
        await broken;
        ({ attachmentId } = await attach(stage, HOLDER, attempt));
      }
      return withoutKinds(withoutSeq(await watch()));
    },
    expected: withoutKinds(allOf(linesOf(WRITTEN))),
  },
];
