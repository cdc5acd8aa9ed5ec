import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { newerNode } from '../src/cli/newer-node.ts';
import { resultOf } from './support/cli.ts';
import { isSince } from './support/node-version.ts';

/** The line that `scripts/test-node-line.sh` was asked for; undefined: any that is supported. */
const LINE = process.env['TEST_NODE_LINE'];

describe('the Node.js of these tests', () => {
  it('is of the line that was asked for, or one that is supported', () => {
    const [major] = process.versions.node.split('.');
    if (LINE !== undefined) expect(major).toBe(LINE);
    const { engines } = JSON.parse(readFileSync('package.json', 'utf8'));
    expect(engines).toEqual({ node: '>=20.19' });
    expect(isSince(20, 19)).toBe(true);
  });

  it('is what a program finds by its name, where a line was asked for', async () => {
    const found = spawn('node', ['--print', 'process.version']);
    const { code, stdout } = await resultOf(found);
    expect(code).toBe(0);
    if (LINE !== undefined) expect(stdout.toString().trim()).toBe(process.version);
  });

  it('has of newer features what its version promises', () => {
    // 23 has it since 23.11.
    expect(newerNode.execve !== undefined).toBe(isSince(23, 11) || isSince(22, 15, 22));
  });
});
