// @ts-check
/**
 * What a scrape costs where nothing is counted: an HTTP server of Node.js that answers a text which it
 * was given once.
 *
 *     node bench/bare-scrape.mjs
 *
 * A request on standard input is `{"text": …}` in a line of JSON; it is answered by the port.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

// Nobody is left to answer: the benchmark was ended.
process.stdout.on('error', () => process.exit(1));

let body = '';
const server = createServer((_request, response) => {
  response.writeHead(200, {
    'content-type': 'text/plain; version=0.0.4; charset=utf-8',
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
process.stdout.write('{"ready":true}\n');
for await (const line of createInterface({ input: process.stdin })) {
  body = JSON.parse(line).text;
  const address = server.address();
  process.stdout.write(`${address === null || typeof address === 'string' ? 0 : address.port}\n`);
}
process.exit();
