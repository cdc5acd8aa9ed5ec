// Run by a test as another user, with nothing but what Node.js has: calls each method that is named, with
// an empty message, and prints the status of each as JSON.
import { connect as connectSession } from 'node:http2';
import { connect } from 'node:net';
import process from 'node:process';

const [path, ...methods] = process.argv.slice(2);
const session = connectSession('http://localhost', { createConnection: () => connect(path) });
session.on('error', (error) => {
  process.stdout.write(JSON.stringify({ failed: error.code }));
  process.exit();
});

const statusOf = (method) =>
  new Promise((resolve) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': method,
      'content-type': 'application/grpc',
      te: 'trailers',
      'grpc-timeout': '2S',
    });
    const take = (headers) => {
      if (headers['grpc-status'] !== undefined) resolve(Number(headers['grpc-status']));
    };
    stream.on('response', take);
    stream.on('trailers', take);
    stream.on('error', () => {});
    stream.resume();
    stream.end(Buffer.alloc(5));
  });

const statuses = await Promise.all(methods.map(async (method) => [method, await statusOf(method)]));
process.stdout.write(JSON.stringify(Object.fromEntries(statuses)));
process.exit();
