import { createServer, type RequestListener } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocketServer } from 'ws';
import { type Browser, startBrowser } from '../site/browser.ts';
import { cliUser } from '../support/cli-user.ts';
import { forwarding, listening } from '../support/forwarding.ts';
import { serveHere } from '../support/harness.ts';
import { hasTool } from '../support/needed-tools.ts';

/** Images of the page: more than a browser has connections to a host. */
const IMAGES = 24;

const PAGE = `<!doctype html><html lang="en"><title>page</title>
<link rel="stylesheet" href="/style.css"><script src="/script.js" defer></script>
${Array.from({ length: IMAGES }, (_, i) => `<img src="/image.svg?${i}" alt="">`).join('')}`;

const SCRIPT = `
const said = async () => {
  const socket = new WebSocket('ws://' + location.host);
  socket.onopen = () => socket.send('by a WebSocket');
  return new Promise((resolve, reject) => {
    socket.onmessage = ({ data }) => resolve(data);
    socket.onerror = () => reject(new Error('the WebSocket failed'));
  });
};
const streamed = async () => {
  const pieces = [];
  const reader = (await fetch('/stream')).body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return pieces.join('');
    pieces.push(new TextDecoder().decode(value));
    // The next comes when this one has.
    const next = await fetch('/next', { method: 'POST' });
    // A body that nobody reads is one that is given up.
    await next.text();
  }
};
window.done = Promise.all([said(), streamed()]);
`;

/** Serves the page: the next piece of its stream is sent when the one before is said to have come. */
function pages(): RequestListener {
  let next = (): void => {};
  return (request, response) => {
    const send = (type: string, body: string): void => {
      response.writeHead(200, { 'content-type': type }).end(body);
    };
    switch (request.url?.replace(/\?.*/, '')) {
      case '/':
        return send('text/html', PAGE);
      case '/style.css':
        return send('text/css', 'body { background: rgb(1, 2, 3) }');
      case '/script.js':
        return send('text/javascript', SCRIPT);
      case '/image.svg':
        return send(
          'image/svg+xml',
          '<svg xmlns="http://www.w3.org/2000/svg" width="2" height="1"/>',
        );
      case '/stream': {
        const left = ['one ', 'two ', 'three'];
        next = () => {
          const piece = left.shift();
          if (piece === undefined) response.end();
          else response.write(piece);
        };
        response.writeHead(200, { 'content-type': 'text/plain' });
        return next();
      }
      case '/next':
        next();
        return send('text/plain', '');
      default:
        // That of an icon, for which browsers ask by themselves.
        response.writeHead(204).end();
    }
  };
}

async function browser(): Promise<Browser> {
  const started = await startBrowser();
  onTestFinished(() => started.close());
  return started;
}

const canBrowse = hasTool('chromium', '--version');
if (!canBrowse) process.stderr.write('skipped: a page through a forward needs chromium\n');

describe.skipIf(!canBrowse)('a browser', () => {
  it('loads a page through a forward, with all that it has', async () => {
    const server = createServer(pages());
    const sockets = new WebSocketServer({ server });
    sockets.on('connection', (socket) => {
      socket.on('message', (data) => socket.send(String(data)));
    });
    const port = await listening(server);
    const { address } = await serveHere();
    const user = await cliUser(address);
    const { listens } = await forwarding(user, [`0:localhost:${port}`]);
    const chromium = await browser();
    const { faults, requests } = await chromium.open(`http://${listens[0]}/`);
    const done = await chromium.call('Runtime.evaluate', {
      expression: 'window.done.then((all) => JSON.stringify(all))',
      awaitPromise: true,
      returnByValue: true,
    });
    expect(done['result']).toMatchObject({ value: '["by a WebSocket","one two three"]' });
    expect(faults).toEqual([]);
    expect(requests.filter((url) => url.includes('/image.svg?'))).toHaveLength(IMAGES);
    const shown = `[getComputedStyle(document.body).backgroundColor,
      [...document.images].every((image) => image.complete && image.naturalWidth === 2)].join()`;
    expect(await chromium.evaluate(shown)).toBe('rgb(1, 2, 3),true');
  });
});
