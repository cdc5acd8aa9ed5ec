import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { type Deferred, deferred } from '../../src/client/deferred.ts';
import { openDevTools, type Values } from './dev-tools.ts';

/** A headless Chromium with one page. */
export interface Browser {
  /** Calls a method of the DevTools protocol for the page. */
  call(method: string, params?: object): Promise<Values>;
  /** Goes to an address, until all of it is there. */
  open(url: string): Promise<Visit>;
  /** The value of an expression in the page. */
  evaluate(expression: string): Promise<unknown>;
  close(): Promise<void>;
}

/** What happened while a page was loaded. */
export interface Visit {
  /** What the page logged as an error, threw, or did not get. */
  readonly faults: string[];
  /** The addresses of all that it asked for. */
  readonly requests: string[];
  readonly loaded: Deferred<void>;
}

const FLAGS = [
  '--headless',
  // Its sandbox needs what containers and root do not have, and the pages are our own.
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--remote-debugging-pipe',
];

/** Starts Chromium. */
export async function startBrowser(): Promise<Browser> {
  const folder = await mkdtemp(join(tmpdir(), 'runlet-test-'));
  const child = spawn('chromium', [...FLAGS, `--user-data-dir=${folder}`], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit');
  await once(child, 'spawn').catch((cause) => {
    throw new Error('the site is looked at with chromium: install it', { cause });
  });
  const [, , , output, input] = child.stdio;
  if (!(output instanceof Writable && input instanceof Readable)) throw new Error('no pipes');
  let visit = newVisit();
  const devTools = openDevTools(output, input, (method, params) => note(visit, method, params));

  const { targetId } = await devTools.call('Target.createTarget', { url: 'about:blank' });
  const attached = await devTools.call('Target.attachToTarget', { targetId, flatten: true });
  const call = (method: string, params?: object) =>
    devTools.call(method, params, String(attached['sessionId']));
  for (const domain of ['Page', 'Runtime', 'Network', 'Log']) await call(`${domain}.enable`);

  return {
    call,
    async open(url) {
      visit = newVisit();
      const { errorText } = await call('Page.navigate', { url });
      if (errorText !== undefined) throw new Error(`${url}: ${errorText}`);
      await visit.loaded.promise;
      return visit;
    },
    async evaluate(expression) {
      const answer = await call('Runtime.evaluate', { expression, returnByValue: true });
      if (answer['exceptionDetails'] !== undefined) throw new Error(JSON.stringify(answer));
      return (answer['result'] as Values)['value'];
    },
    async close() {
      await devTools.call('Browser.close');
      await exited;
      await rm(folder, { recursive: true });
    },
  };
}

function newVisit(): Visit {
  return { faults: [], requests: [], loaded: deferred() };
}

/** Takes down what an event of the page tells. */
function note({ faults, loaded, requests }: Visit, method: string, params: Values): void {
  switch (method) {
    case 'Page.loadEventFired':
      loaded.resolve();
      return;
    case 'Network.requestWillBeSent':
      requests.push(String((params['request'] as Values)['url']));
      return;
    case 'Log.entryAdded':
    case 'Network.loadingFailed':
    case 'Runtime.exceptionThrown':
      faults.push(`${method}: ${JSON.stringify(params)}`);
      return;
    case 'Runtime.consoleAPICalled':
      if (params['type'] === 'error') faults.push(`${method}: ${JSON.stringify(params)}`);
      return;
  }
}
