import { Command } from 'commander';
import { DEFAULT_GRACE_MS } from '../limits.ts';
import { addExamples } from './examples.ts';

/** `runlet end-leftovers`: what a `run` leaves behind to be done when it is killed. */
export function endLeftoversCommand(): Command {
  const command = new Command('end-leftovers').action(endLeftovers);
  return addExamples(command, [
    { command: 'runlet end-leftovers', does: 'End it now', code: 0, prints: /^$/ },
  ]);
}

async function endLeftovers(): Promise<void> {
  const [{ createLauncher }, { endPredecessors }] = await Promise.all([
    import('../process/launchers.ts'),
    import('./predecessors.ts'),
  ]);
  const nobody = { info: () => {}, warn: () => {} };
  const options = { stateFolder: undefined, launcher: createLauncher(), log: nobody };
  await endPredecessors({ ...options, graceMs: DEFAULT_GRACE_MS }).over;
}
