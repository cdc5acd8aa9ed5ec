import type { CallContext } from '../../../bridge/call-context.ts';
import type { Response } from '../../../bridge/types.ts';
import { invalidField, RunletError } from '../../../errors.ts';
import type { WriteFileArgs, WriteFileResult } from '../../../files/agent/write-file.ts';
import { Upload } from '../../../files/upload.ts';
import { Uploads } from '../../../files/uploads.ts';
import {
  WriteDisposition,
  type WriteFileOpen,
  type WriteFileRequest,
  type WriteFileResponseSchema,
} from '../../../gen/runlet/v1/file_pb.ts';
import { fileMessage } from '../../file-messages.ts';
import { parseEnum, parseUuid } from '../../requests/fields.ts';
import {
  enterFiles,
  enterUpload,
  type FileMethods,
  type FileServiceOptions,
  parsePath,
} from './file-calls.ts';

const DISPOSITIONS = {
  [WriteDisposition.UNSPECIFIED]: 'replace',
  [WriteDisposition.REPLACE]: 'replace',
  [WriteDisposition.CREATE_NEW]: 'create-new',
  [WriteDisposition.IN_PLACE]: 'in-place',
  [WriteDisposition.APPEND]: 'append',
} as const;

const SHA256_BYTES = 32;

/** `WriteFile`, `GetUpload` and `AbortUpload`. */
export function writeFile(
  options: FileServiceOptions,
): FileMethods<'writeFile' | 'getUpload' | 'abortUpload'> {
  const uploads = new Uploads();
  return {
    async writeFile(requests, context) {
      context.sendHeaders();
      return response(
        await writeAll(requests, context, (open) => {
          const { args, id } = parseOpen(open);
          const { asker, files, session, sandbox } = enterFiles(
            options,
            open,
            context,
            'open.sandbox',
          );
          return uploads.of(session).open({ args, id, asker, files, sandbox });
        }),
      );
    },

    getUpload(request, context) {
      const id = parseUuid('upload_id', request.uploadId);
      const { session } = enterUpload(options, request, context);
      const { accepted, finished } = uploads.of(session).progressOf(id);
      return { acceptedOffset: accepted, finished };
    },

    async abortUpload(request, context) {
      const id = parseUuid('upload_id', request.uploadId);
      const { session } = enterUpload(options, request, context);
      await uploads.of(session).abort(id);
      return {};
    },
  };
}

/** Writes what comes of a call to the upload that `open` opens by the first of it. */
async function writeAll(
  requests: AsyncIterable<WriteFileRequest>,
  context: CallContext,
  open: (first: WriteFileOpen) => Upload | WriteFileResult,
): Promise<WriteFileResult> {
  const uploader = { fail: (why: unknown) => context.fail(why) };
  let upload: Upload | undefined;
  for await (const { request } of requests) {
    if (upload === undefined) {
      if (request.case !== 'open') throw invalidField('open', 'must come first');
      const opened = open(request.value);
      if (!(opened instanceof Upload)) return opened;
      upload = opened;
      const isAnonymous = request.value.uploadId === '';
      context.defer(() => (isAnonymous ? opened.abandon() : opened.leave(uploader)));
      const result = await upload.resume(uploader);
      if (result !== undefined) return result;
    } else if (request.case === 'data') {
      await upload.take(uploader, request.value.offset, request.value.data);
    } else if (request.case === 'finish') {
      return await upload.finish(uploader);
    } else if (request.case === 'open') {
      throw invalidField('open', 'must come first, and only then');
    }
  }
  if (upload === undefined) throw invalidField('open', 'must come first');
  await upload.written(uploader);
  throw new RunletError('UPLOAD_UNFINISHED');
}

function parseOpen(open: WriteFileOpen): { args: WriteFileArgs; id: string | undefined } {
  const { ifVersion, mode, parents, sha256, size, sync, uploadId } = open;
  const path = parsePath('open.path', open.path, open.rawPath);
  const disposition = parseEnum('open.disposition', open.disposition, DISPOSITIONS);
  const id = uploadId === '' ? undefined : parseUuid('open.upload_id', uploadId);
  if (disposition === 'append' && id === undefined) {
    throw invalidField('open.upload_id', 'is required to append');
  }
  if (mode !== undefined && mode > 0o7777) throw invalidField('open.mode', 'must be at most 07777');
  if (sha256.length > 0 && sha256.length !== SHA256_BYTES) {
    throw invalidField('open.sha256', `must have ${SHA256_BYTES} bytes`);
  }
  const hash = sha256.length === 0 ? undefined : sha256.slice();
  return { args: { path, disposition, mode, parents, ifVersion, sha256: hash, size, sync }, id };
}

function response({ file, sha256 }: WriteFileResult): Response<typeof WriteFileResponseSchema> {
  return { file: fileMessage(file), sha256 };
}
