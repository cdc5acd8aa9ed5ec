import { NODE_VERSIONS } from '../../version.ts';
import type { Check, Outcome } from '../check.ts';

/** Whether a version of Node.js will do. */
export function judgeNodeVersion(version: string, wanted: string): Outcome<'old'> {
  const detail = `Node.js ${version}; ${wanted} is needed`;
  if (isAtLeast(version, wanted.replace('>=', ''))) return { detail };
  return { detail, problem: 'old', values: { wanted: wanted.replace('>=', '') } };
}

function isAtLeast(version: string, least: string): boolean {
  const has = version.split('.').map(Number);
  for (const [i, wants] of least.split('.').map(Number).entries()) {
    const number = has[i] ?? 0;
    if (number !== wants) return number > wants;
  }
  return true;
}

export const nodeVersion: Check<'old'> = {
  name: 'node-version',
  about: 'the version of Node.js that runs runlet',
  required: true,
  problems: {
    old: {
      consequence: 'runlet was never tried with it, and parts of it fail.',
      remedy: 'Install Node.js {wanted} or later, and have it first in the PATH.',
    },
  },
  look: ({ version }) => judgeNodeVersion(version, NODE_VERSIONS),
};
