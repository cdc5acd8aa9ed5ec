import type { MessageInitShape } from '@bufbuild/protobuf';
import { SandboxAccess, type SandboxSchema } from '../../src/gen/runlet/v1/sandbox_pb.ts';
import type { Clients } from './harness.ts';

/** A sandbox in which a folder can be changed, and nothing else is there. */
export function sandboxOf(...folders: readonly string[]): MessageInitShape<typeof SandboxSchema> {
  return { rules: folders.map((path) => ({ path, access: SandboxAccess.WRITE })) };
}

/** The same calls, each in a sandbox: it is put into the requests that have paths. */
export function inSandbox(
  files: Clients['files'],
  sandbox: MessageInitShape<typeof SandboxSchema>,
): Clients['files'] {
  return new Proxy(files, {
    get(target, name) {
      const call: unknown = Reflect.get(target, name);
      if (typeof call !== 'function') return call;
      return (request: unknown, ...rest: unknown[]): unknown =>
        Reflect.apply(call, target, [withSandbox(request, sandbox), ...rest]);
    },
  });
}

function withSandbox(request: unknown, sandbox: unknown): unknown {
  if (typeof request !== 'object' || request === null) return request;
  if (Symbol.asyncIterator in request) {
    return allWithSandbox(request as AsyncIterable<OpenRequest>, sandbox);
  }
  return { ...request, sandbox };
}

/** Of requests that come in a stream the first has the path. */
interface OpenRequest {
  readonly request?: { readonly case?: string; readonly value?: unknown };
}

async function* allWithSandbox(
  requests: AsyncIterable<OpenRequest>,
  sandbox: unknown,
): AsyncGenerator<OpenRequest> {
  for await (const each of requests) {
    const { request } = each;
    yield request?.case === 'open'
      ? { request: { case: 'open', value: { ...(request.value as object), sandbox } } }
      : each;
  }
}
