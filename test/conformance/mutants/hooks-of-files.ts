import type { CallContext } from '../../../src/bridge/call-context.ts';
import { streamsResponses } from '../../../src/bridge/types.ts';
import { callErrorDetails, isCallError } from '../../../src/client/call-error.ts';
import { type Reason, RunletError } from '../../../src/errors.ts';
import {
  type File,
  FileService,
  type WriteFileOpen,
  type WriteFileRequest,
  type WriteTreeOpen,
} from '../../../src/gen/runlet/v1/file_pb.ts';
import { HttpService } from '../../../src/gen/runlet/v1/http_pb.ts';
import { TunnelService } from '../../../src/gen/runlet/v1/tunnel_pb.ts';
import { onRequests, onResponses } from './hooks.ts';
import type { Services } from './services.ts';

/* The places at which a fault of files can be put in, beside those of hooks.ts. */

/** The methods of the contract that are told otherwise. */
const METHODS = { ...FileService.method, ...HttpService.method, ...TunnelService.method };

type ToldMethod = keyof typeof METHODS;

/** Why a call failed, as clients are told. */
export function reasonOf(error: unknown): string | undefined {
  return isCallError(error) ? callErrorDetails(error).info?.reason : undefined;
}

/** Has the named methods fail for another reason where they fail for this one. */
export function retold(
  real: Services,
  names: readonly ToldMethod[],
  reason: Reason,
  as: Reason = 'INTERNAL',
): Services {
  const result = { ...real } as unknown as Record<string, unknown>;
  const told = (error: unknown): unknown =>
    reasonOf(error) === reason ? new RunletError(as) : error;
  for (const name of names) {
    const handler = real[name] as (request: never, context: CallContext) => unknown;
    result[name] = (request: never, context: CallContext): unknown => {
      const answer = handler(request, context);
      return streamsResponses(METHODS[name])
        ? throwing(answer as AsyncIterable<unknown>, told)
        : (answer as Promise<unknown>).catch((error: unknown) => {
            throw told(error);
          });
    };
  }
  return result as unknown as Services;
}

async function* throwing(
  messages: AsyncIterable<unknown>,
  told: (error: unknown) => unknown,
): AsyncGenerator<unknown> {
  try {
    yield* messages;
  } catch (error) {
    throw told(error);
  }
}

/** Changes every file that is told, wherever it is. */
export function onFiles(real: Services, change: (file: File) => void): Services {
  const single = [
    ...(['statFile', 'writeFile', 'createDirectory', 'moveFile', 'copyFile'] as const),
    ...(['setFileAttributes', 'createSymlink'] as const),
  ] as const;
  const told = onResponses(real, single, ({ file }) => {
    if (file !== undefined) change(file);
  });
  const read = onResponses(told, ['readFile'], ({ response }) => {
    if (response.case === 'file') change(response.value);
  });
  return onResponses(read, ['listDirectory', 'walkDirectory'], ({ files }) =>
    files.forEach(change),
  );
}

/** Changes what files are opened with to be written. */
export function onWriteOpens(real: Services, change: (open: WriteFileOpen) => void): Services {
  return onRequests(real, ['writeFile'], ({ request }) => {
    if (request.case === 'open') change(request.value);
  });
}

/** Changes where archives are unpacked. */
export function onTreeOpens(real: Services, change: (open: WriteTreeOpen) => void): Services {
  return onRequests(real, ['writeTree'], ({ request }) => {
    if (request.case === 'open') change(request.value);
  });
}

/** Puts something in the place of every writing of a file, which knows how it is opened. */
export function onWrites(
  real: Services,
  write: (
    open: WriteFileOpen,
    forward: () => ReturnType<Services['writeFile']>,
    context: CallContext,
  ) => ReturnType<Services['writeFile']>,
): Services {
  return {
    ...real,
    async writeFile(requests, context) {
      const messages = requests[Symbol.asyncIterator]();
      const first = await messages.next();
      if (first.done === true || first.value.request.case !== 'open') {
        return real.writeFile(withFirst(first, messages), context);
      }
      const forward = () => real.writeFile(withFirst(first, messages), context);
      return write(first.value.request.value, forward, context);
    },
  };
}

async function* withFirst(
  first: IteratorResult<WriteFileRequest>,
  rest: AsyncIterator<WriteFileRequest>,
): AsyncGenerator<WriteFileRequest> {
  for (let next = first; next.done !== true; next = await rest.next()) yield next.value;
}

/** The messages of a stream, and one more where the last is not `finish`. */
export async function* finished<T extends { readonly request: { case: string | undefined } }>(
  requests: AsyncIterable<T>,
  finish: T,
): AsyncGenerator<T> {
  let last: T | undefined;
  for await (const request of requests) {
    last = request;
    yield request;
  }
  if (last !== undefined && last.request.case !== 'finish') yield finish;
}

/** The same call without its headers, for a request that names another session. */
export function withoutHeaders(context: CallContext): CallContext {
  const { deadline, signal } = context;
  return { ...context, deadline, signal, header: () => undefined };
}
