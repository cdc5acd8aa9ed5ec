// What documents show of TypeScript, as programs to compile: each block marked `ts` for itself, in
// the surroundings that it has there. Whole programs are examples, and are compiled as those.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

const BLOCK = /(<!-- example: [\w.-]+ -->\s*)?```(?:ts|typescript)\n([\s\S]*?)```/g;

/** Documents with code, and what it can use. */
const DOCUMENTS = {
  client: {
    files: ['README.md', 'docs/client.md', 'docs/network.md', 'docs/tokens.md'],
    parameters: `client: RunletClient, session: RemoteSession,
  process: StartedProcess<{ argv: string[]; stdin: 'pipe' }>`,
    imports: `
import { readFile } from 'node:fs/promises';
import { get } from 'node:https';
import { connect, FileError, narrowToken, newToken, RemoteError, serve } from 'runlet';
import type { RemoteSession, RunletClient, SandboxOptions, StartedProcess } from 'runlet';
// What undici has, as far as it is used.
declare class Agent {
  constructor(options: { readonly connect?: object; readonly allowH2?: boolean });
}
declare function request(url: string, options: { readonly dispatcher: Agent }): Promise<unknown>;
declare function currentToken(): Promise<string>;
declare const sessionId: string;
`,
  },
  mcp: {
    files: ['docs/mcp.md'],
    parameters: 'session: RemoteSession',
    imports: `
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { connect, type RemoteSession } from 'runlet/client';
import { RunletClientTransport } from 'runlet/mcp';
`,
  },
};

/**
 * The blocks of some documents as one program.
 *
 * @param {'client' | 'mcp'} name
 */
export function programOf(name) {
  const { files, imports, parameters } = DOCUMENTS[name];
  const functions = files.flatMap(blocksOf).map((code, i) => {
    return `export async function fragment${i}(${parameters}) {\n{\n${code}}\n}\n`;
  });
  return { program: imports + functions.join('\n'), count: functions.length, files };
}

/** Fails if there is code in a document that is in neither program. */
export function checkThatAllAreKnown() {
  const known = Object.values(DOCUMENTS).flatMap(({ files }) => files);
  const docs = readdirSync(join(root, 'docs')).map((name) => `docs/${name}`);
  const others = ['README.md', ...docs].filter((file) => {
    return file.endsWith('.md') && !known.includes(file) && blocksOf(file).length > 0;
  });
  if (others.length > 0) throw new Error(`code that nothing compiles is in ${others.join(', ')}`);
}

function blocksOf(file) {
  const text = readFileSync(join(root, file), 'utf8');
  return [...text.matchAll(BLOCK)].filter(([, example]) => !example).map(([, , code]) => code);
}
