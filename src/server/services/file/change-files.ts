import type { Timestamp } from '@bufbuild/protobuf/wkt';
import { invalidField } from '../../../errors.ts';
import { rememberedRequests } from '../../../files/remembered-requests.ts';
import { MAX_PATH_BYTES } from '../../../limits.ts';
import { textOfBytes } from '../../../system-text.ts';
import { fileMessage } from '../../file-messages.ts';
import { parseOptionalId } from '../../requests/fields.ts';
import { assertNoNul } from '../../requests/spec-texts.ts';
import { enterFiles, type FileMethods, type FileServiceOptions, parsePath } from './file-calls.ts';

/** `CreateDirectory`, `RemoveFile`, `MoveFile`, `SetFileAttributes` and `CreateSymlink`. */
export function changeFiles(
  options: FileServiceOptions,
): FileMethods<
  'createDirectory' | 'removeFile' | 'moveFile' | 'setFileAttributes' | 'createSymlink'
> {
  return {
    async createDirectory(request, context) {
      const path = parsePath('path', request.path, request.rawPath);
      const mode = parseMode('mode', request.mode);
      const { asker, files } = enterFiles(options, request, context);
      const args = { path, mode, parents: request.parents };
      const info = await files.run(asker, 'createDirectory', args, context.signal);
      return { file: fileMessage(info) };
    },

    async removeFile(request, context) {
      const path = parsePath('path', request.path, request.rawPath);
      const { asker, files } = enterFiles(options, request, context);
      const { missingOk, recursive } = request;
      await files.run(asker, 'remove', { path, recursive, missingOk }, context.signal);
      return {};
    },

    async moveFile(request, context) {
      const path = parsePath('path', request.path, request.rawPath);
      const targetPath = parsePath('target_path', request.targetPath, request.rawTargetPath);
      const requestId = parseOptionalId('request_id', request.requestId);
      const { asker, files, session, sandbox } = enterFiles(options, request, context);
      const { replace } = request;
      const { signal } = context;
      const about = ['MoveFile', path, targetPath, replace, sandbox];
      const info = await rememberedRequests(session).once({ requestId, about, signal }, () =>
        files.run(asker, 'move', { path, targetPath, replace }, signal),
      );
      return { file: fileMessage(info) };
    },

    async setFileAttributes(request, context) {
      const path = parsePath('path', request.path, request.rawPath);
      const args = {
        path,
        follow: !request.noFollow,
        mode: parseMode('mode', request.mode),
        uid: parseOwner('uid', request.uid),
        gid: parseOwner('gid', request.gid),
        modifyNs: parseTime('modify_time', request.modifyTime),
      };
      const { asker, files } = enterFiles(options, request, context);
      const info = await files.run(asker, 'setAttributes', args, context.signal);
      return { file: fileMessage(info) };
    },

    async createSymlink(request, context) {
      const path = parsePath('path', request.path, request.rawPath);
      const target = parseLinkTarget(request);
      const { asker, files } = enterFiles(options, request, context);
      const info = await files.run(asker, 'createSymlink', { path, target }, context.signal);
      return { file: fileMessage(info) };
    },
  };
}

/** Permission bits. */
function parseMode(field: string, mode: number | undefined): number | undefined {
  if (mode !== undefined && mode > 0o7777) throw invalidField(field, 'must be at most 07777');
  return mode;
}

/** What chown(2) takes for no change at all. */
const NO_CHANGE = 0xffff_ffff;

function parseOwner(field: string, id: number | undefined): number | undefined {
  if (id === NO_CHANGE) throw invalidField(field, 'must be less than 4294967295');
  return id;
}

/** Years 1 to 9999, as `Timestamp` has them. */
const MIN_SECONDS = -62_135_596_800n;
const MAX_SECONDS = 253_402_300_799n;
const NS_PER_SECOND = 1_000_000_000n;

/** A time in nanoseconds since 1970. */
function parseTime(field: string, time: Timestamp | undefined): bigint | undefined {
  if (time === undefined) return undefined;
  const { nanos, seconds } = time;
  if (seconds < MIN_SECONDS || seconds > MAX_SECONDS) {
    throw invalidField(`${field}.seconds`, 'must be in the years 1 to 9999');
  }
  if (nanos < 0 || nanos >= Number(NS_PER_SECOND)) {
    throw invalidField(`${field}.nanos`, 'must be from 0 to 999999999');
  }
  return seconds * NS_PER_SECOND + BigInt(nanos);
}

/** Where a link is to lead, which may be anything that a link can hold. */
function parseLinkTarget({
  rawTarget,
  target: text,
}: {
  readonly target: string;
  readonly rawTarget: Uint8Array;
}): string {
  if (text !== '' && rawTarget.length > 0) {
    throw invalidField('raw_target', 'must be empty where target is not');
  }
  const field = rawTarget.length > 0 ? 'raw_target' : 'target';
  const target = text || textOfBytes(rawTarget);
  if (target === '') throw invalidField(field, 'is required');
  assertNoNul(field, target);
  if (Buffer.byteLength(text) + rawTarget.length > MAX_PATH_BYTES) {
    throw invalidField(field, `must not be longer than ${MAX_PATH_BYTES} bytes`);
  }
  return target;
}
