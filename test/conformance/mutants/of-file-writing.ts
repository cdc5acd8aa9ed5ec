import { randomUUID } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import {
  FileKind,
  RemoveFileRequestSchema,
  StatFileRequestSchema,
  WriteDisposition,
  WriteFileRequestSchema,
} from '../../../src/gen/runlet/v1/file_pb.ts';
import { onResponses } from './hooks.ts';
import { finished, onWriteOpens, onWrites, retold } from './hooks-of-files.ts';
import type { Mutant } from './mutant.ts';

const { APPEND, CREATE_NEW, IN_PLACE, REPLACE, UNSPECIFIED } = WriteDisposition;

const FINISH = create(WriteFileRequestSchema, { request: { case: 'finish', value: {} } });

/** Writing files. */
export const ofFileWriting: readonly Mutant[] = [
  {
    fault: 'what is written has a mode of 0600 where none is asked for',
    fails: ['FWRITE-01', 'FWRITE-03'],
    mutate: (real) =>
      onWriteOpens(real, (open) => {
        open.mode ??= 0o600;
      }),
  },
  {
    fault: 'a file is replaced in its place',
    fails: ['FWRITE-02', 'FWRITE-04', 'FWRITE-10', 'FWRITE-11'],
    mutate: (real) =>
      onWriteOpens(real, (open) => {
        if ([REPLACE, UNSPECIFIED].includes(open.disposition)) open.disposition = IN_PLACE;
      }),
  },
  {
    fault: 'the mode of what is written is ignored',
    fails: ['FWRITE-03'],
    mutate: (real) =>
      onWriteOpens(real, (open) => {
        delete open.mode;
      }),
  },
  {
    fault: 'a file that must be new replaces one',
    fails: ['FWRITE-05'],
    mutate: (real) =>
      onWriteOpens(real, (open) => {
        if (open.disposition === CREATE_NEW) open.disposition = REPLACE;
      }),
  },
  {
    fault: 'a file is never written in its place',
    fails: ['FWRITE-06'],
    mutate: (real) =>
      onWriteOpens(real, (open) => {
        if (open.disposition === IN_PLACE) open.disposition = REPLACE;
      }),
  },
  {
    fault: 'to append needs no id',
    fails: ['FWRITE-07'],
    mutate: (real) =>
      onWriteOpens(real, (open) => {
        if (open.disposition === APPEND) open.uploadId ||= randomUUID();
      }),
  },
  {
    fault: 'folders on the way to a file are always made',
    fails: ['FWRITE-08'],
    mutate: (real) =>
      onWriteOpens(real, (open) => {
        open.parents = true;
      }),
  },
  {
    fault: 'a file is written whatever its version',
    fails: ['FWRITE-09'],
    mutate: (real) =>
      onWriteOpens(real, (open) => {
        open.ifVersion = '';
      }),
  },
  {
    fault: 'the hash and the size of what is written are ignored',
    fails: ['FWRITE-10', 'FWRITE-15'],
    mutate: (real) =>
      onWriteOpens(real, (open) => {
        open.sha256 = new Uint8Array();
        delete open.size;
      }),
  },
  {
    fault: 'the end of a stream that writes a file is `finish`',
    fails: ['FWRITE-11', 'UPLOAD-02', 'UPLOAD-03', 'UPLOAD-07'],
    mutate: (real) => ({
      ...real,
      writeFile: (requests, context) => real.writeFile(finished(requests, FINISH), context),
    }),
  },
  {
    fault: 'a link is replaced, and not its target',
    fails: ['FWRITE-12'],
    mutate: (real) =>
      onWrites(real, async ({ path, rawPath, sessionId }, forward, context) => {
        const about = { path, rawPath, sessionId };
        const asked = create(StatFileRequestSchema, { ...about, noFollow: true });
        const { file } = await real.statFile(asked, context).catch(() => ({ file: undefined }));
        if (file?.kind === FileKind.SYMLINK) {
          await real.removeFile(create(RemoveFileRequestSchema, about), context);
        }
        return forward();
      }),
  },
  {
    fault: 'a FIFO that is to be written fails as something else',
    fails: ['FWRITE-13'],
    mutate: (real) => retold(real, ['writeFile'], 'NOT_A_REGULAR_FILE'),
  },
  {
    fault: 'the version of what was written is told wrong',
    fails: ['FWRITE-09', 'FWRITE-14'],
    mutate: (real) =>
      onResponses(real, ['writeFile'], ({ file }) => {
        if (file !== undefined) file.version = `${file.version}x`;
      }),
  },
  {
    fault: 'a way to write that there is not is the default',
    fails: ['FWRITE-15'],
    mutate: (real) =>
      onWriteOpens(real, (open) => {
        if (WriteDisposition[open.disposition] === undefined) open.disposition = REPLACE;
      }),
  },
];
