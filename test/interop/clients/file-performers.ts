import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  type File,
  FileKindSchema,
  type ReadFileEnd,
  type ReadFileResponse,
  type WriteFileRequestSchema,
} from '../../../src/gen/runlet/v1/file_pb.ts';
import { nameOfValue } from './enum-names.ts';
import type { DownloadFacts, FileFacts, FileParams, UploadParams } from './protocol.ts';
import type { Performers } from './typescript-driver.ts';

/** Bytes of a piece of an upload. */
const PIECE_BYTES = 256 * 1024;

/** Has had a part of a file, from one call or several. */
export class Download {
  #file: FileFacts | undefined;
  #bytes = 0;
  #exact = true;
  readonly #hash = createHash('sha256');
  #end: ReadFileEnd | undefined;

  /** What the next call has to ask for. */
  rest(): { readonly offset: bigint; readonly ifVersion: string } {
    return { offset: BigInt(this.#bytes), ifVersion: this.#file?.version ?? '' };
  }

  take({ response }: ReadFileResponse): void {
    if (response.case === 'file') this.#file = fileFacts(response.value);
    if (response.case === 'end') this.#end = response.value;
    if (response.case !== 'data') return;
    const { data, offset } = response.value;
    this.#exact &&= Number(offset) === this.#bytes;
    this.#bytes += data.length;
    this.#hash.update(data);
  }

  facts(): DownloadFacts {
    if (this.#file === undefined || this.#end === undefined) throw new Error('it has no end');
    return {
      file: this.#file,
      bytes: this.#bytes,
      exact: this.#exact,
      sha256: this.#hash.copy().digest('hex'),
      end: { bytes: Number(this.#end.bytes), sha256: hex(this.#end.sha256) },
    };
  }
}

/** The operations on files. */
export const FILE_PERFORMERS: Pick<
  Performers,
  'list_files' | 'upload' | 'get_upload' | 'download'
> = {
  async list_files({ params, options, files }) {
    const found: FileFacts[] = [];
    for await (const answer of files.listDirectory(target(params), options)) {
      found.push(...answer.files.map(fileFacts));
    }
    return { files: found };
  },
  async upload({ params, options, files }) {
    const { file, sha256 } = await files.writeFile(piecesOf(params), options);
    return { file: fileFacts(file), sha256: hex(sha256) };
  },
  async get_upload({ params, options, files }) {
    const request = { sessionId: params.session_id, uploadId: params.upload_id };
    const { acceptedOffset, finished } = await files.getUpload(request, options);
    return { accepted_offset: Number(acceptedOffset), finished };
  },
  async download({ params, options, files, download }) {
    const it = download(params.reader);
    const request = { ...target(params), ...it.rest() };
    for await (const answer of files.readFile(request, options)) it.take(answer);
    return it.facts();
  },
};

async function* piecesOf(
  params: UploadParams,
): AsyncGenerator<MessageInitShape<typeof WriteFileRequestSchema>> {
  const { size } = await stat(params.from);
  const open = {
    ...target(params),
    uploadId: params.upload_id ?? '',
    ifVersion: params.if_version ?? '',
    size: BigInt(size),
  };
  yield { request: { case: 'open', value: open } };
  let offset = params.offset ?? 0;
  const pieces = createReadStream(params.from, { start: offset, highWaterMark: PIECE_BYTES });
  for await (const data of pieces as AsyncIterable<Buffer<ArrayBuffer>>) {
    yield { request: { case: 'data', value: { offset: BigInt(offset), data } } };
    offset += data.length;
  }
  yield { request: { case: 'finish', value: {} } };
}

function target({ attachment_id = '', path = '', raw_path = '', session_id }: FileParams) {
  return {
    sessionId: session_id,
    attachmentId: attachment_id,
    path,
    rawPath: Buffer.from(raw_path, 'base64'),
  };
}

function fileFacts(file: File | undefined): FileFacts {
  if (file === undefined) throw new Error('the answer has no file');
  const { kind, path, rawPath, size, version } = file;
  const facts = { path, kind: nameOfValue(FileKindSchema, kind), size: Number(size), version };
  if (rawPath.length === 0) return facts;
  return { ...facts, raw_path: Buffer.from(rawPath).toString('base64') };
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
