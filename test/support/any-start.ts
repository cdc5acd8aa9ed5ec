import type { StartGuard } from '../../src/process/start-guard.ts';

/** Lets everything be started. */
export const ANY_START: StartGuard = {
  admit: async (spec) => spec,
  approve: async (goal) => goal,
  approveUser: () => {},
  started: () => {},
};
