import { createHash } from 'node:crypto';
import type { PreparedSandbox } from '../../sandbox/prepared-sandbox.ts';
import type { SandboxLayer, SandboxRule, SandboxSpec } from '../../sandbox/sandbox-spec.ts';
import type { Root } from '../roots.ts';
import type { RuntimeFile } from './runtime-files.ts';

/** Tells a policy from others: the same for all that mean the same in the same words. */
export function sandboxKey({ cwd, layers, profile }: SandboxSpec): string {
  const all = [profile, layers.map(({ network, rules }) => [network, rules]), cwd];
  return createHash('sha256').update(JSON.stringify(all)).digest('base64');
}

/** The sandbox of a helper: its network is none; and where files are confined to folders, it is as well. */
export function confinedSpec(spec: SandboxSpec, roots: readonly Root[]): SandboxSpec {
  const layers = spec.layers.map(({ rules }): SandboxLayer => ({ rules, network: 'none' }));
  if (roots.length === 0) return { ...spec, layers };
  const rules = roots.map(({ names }): SandboxRule => {
    // That without links: where a name leads now is not where it has led.
    return { at: { path: names.at(-1) ?? '/' }, access: 'write', missingOk: true };
  });
  const own = layers.some((layer) => layer.rules.some(isTemp)) ? [TEMP] : [];
  return { ...spec, layers: [...layers, { rules: [...rules, ...own], network: 'none' }] };
}

/** That is the sandbox's own, and no file of the machine. */
const TEMP: SandboxRule = { at: { place: 'temp' }, access: 'write', missingOk: false };

function isTemp({ at }: SandboxRule): boolean {
  return 'place' in at && at.place === 'temp';
}

/**
 * The same with what a helper needs to run, which may be read, or done with what the policy lets
 * everyone do with it.
 *
 * @param as the sandbox without it
 */
export function withRuntime(
  spec: SandboxSpec,
  files: readonly RuntimeFile[],
  as: Pick<PreparedSandbox, 'accessAt'>,
): SandboxSpec {
  const rules = files.map(({ links, name, path }): SandboxRule => {
    const access = as.accessAt(path) === 'write' ? 'write' : 'read';
    // By a link that can be changed inside no policy may be named: there it is, too, without a rule.
    const isOwn = links.some((link) => as.accessAt(link) === 'write');
    return { at: { path: isOwn ? path : name }, access, missingOk: false };
  });
  const all = [...rules, PROC];
  return {
    ...spec,
    layers: spec.layers.map((layer) => ({ ...layer, rules: [...layer.rules, ...all] })),
  };
}

/** That of the sandbox, by which files are reached. */
const PROC: SandboxRule = { at: { path: '/proc' }, access: 'read', missingOk: false };
