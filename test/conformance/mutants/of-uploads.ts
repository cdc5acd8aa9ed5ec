import { randomUUID } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { CreateSymlinkRequestSchema } from '../../../src/gen/runlet/v1/file_pb.ts';
import { onResponses } from './hooks.ts';
import { onWriteOpens, onWrites, reasonOf, retold, withoutHeaders } from './hooks-of-files.ts';
import type { Mutant } from './mutant.ts';

/** Uploads that outlive their connection. */
export const ofUploads: readonly Mutant[] = [
  {
    fault: 'an upload ends with its call',
    fails: ['UPLOAD-01', 'UPLOAD-03', 'UPLOAD-04', 'UPLOAD-07', 'UPLOAD-10'],
    also: ['UPLOAD-05', 'UPLOAD-06'],
    mutate: (real) => {
      // The next call of an upload begins another.
      const seen = new Set<string>();
      return onWriteOpens(real, (open) => {
        if (seen.has(open.uploadId)) open.uploadId = randomUUID();
        else if (open.uploadId !== '') seen.add(open.uploadId);
      });
    },
  },
  {
    fault: 'what was accepted before is written again',
    fails: ['UPLOAD-02', 'UPLOAD-03', 'UPLOAD-10'],
    mutate: (real) => {
      const accepted = new Map<string, bigint>();
      return {
        ...real,
        writeFile(requests, context) {
          let id = '';
          async function* moved(): typeof requests {
            for await (const message of requests) {
              const { request } = message;
              if (request.case === 'open') id = request.value.uploadId;
              if (request.case === 'data' && id !== '') {
                const at = accepted.get(id) ?? 0n;
                request.value.offset = at;
                accepted.set(id, at + BigInt(request.value.data.length));
              }
              yield message;
            }
          }
          return real.writeFile(moved(), context);
        },
      };
    },
  },
  {
    fault: 'UPLOAD_OFFSET_GAP is told as another reason',
    fails: ['UPLOAD-03', 'UPLOAD-12'],
    mutate: (real) => retold(real, ['writeFile'], 'UPLOAD_OFFSET_GAP', 'STDIN_OFFSET_GAP'),
  },
  {
    fault: 'an upload that is over is forgotten',
    fails: ['UPLOAD-04', 'UPLOAD-10'],
    mutate: (real) => {
      const over = new Set<string>();
      return onWrites(real, async (open, forward) => {
        const { uploadId } = open;
        if (over.has(uploadId)) open.uploadId = randomUUID();
        const answer = await forward();
        if (uploadId !== '') over.add(uploadId);
        return answer;
      });
    },
  },
  {
    fault: 'an upload goes on as it was opened first, whatever is opened then',
    fails: ['UPLOAD-05'],
    mutate: (real) => {
      const opens = new Map<string, object>();
      return onWriteOpens(real, (open) => {
        const first = opens.get(open.uploadId);
        if (first === undefined) opens.set(open.uploadId, { ...open });
        else if (open.uploadId !== '') Object.assign(open, { mode: undefined }, first);
      });
    },
  },
  {
    fault: 'UPLOAD_SUPERSEDED is told as another reason',
    fails: ['UPLOAD-06', 'UPLOAD-08'],
    mutate: (real) => retold(real, ['writeFile'], 'UPLOAD_SUPERSEDED'),
  },
  {
    fault: 'no upload is ever over',
    fails: ['UPLOAD-07'],
    mutate: (real) =>
      onResponses(real, ['getUpload'], (response) => {
        response.finished = false;
      }),
  },
  {
    fault: 'an upload that there is not has accepted nothing yet',
    fails: ['UPLOAD-07', 'UPLOAD-08', 'UPLOAD-12'],
    mutate: (real) => ({
      ...real,
      async getUpload(request, context) {
        try {
          return await real.getUpload(request, context);
        } catch (error) {
          if (reasonOf(error) !== 'UPLOAD_NOT_FOUND') throw error;
          const none = { acceptedOffset: 0n, finished: false };
          return { $typeName: 'runlet.v1.GetUploadResponse', ...none };
        }
      },
    }),
  },
  {
    fault: 'to abort an upload that there is not is no error',
    fails: ['UPLOAD-09'],
    mutate: (real) => ({
      ...real,
      async abortUpload(request, context) {
        try {
          return await real.abortUpload(request, context);
        } catch (error) {
          if (reasonOf(error) !== 'UPLOAD_NOT_FOUND') throw error;
          return { $typeName: 'runlet.v1.AbortUploadResponse' };
        }
      },
    }),
  },
  {
    fault: 'something is left of what was not finished',
    fails: ['FWRITE-11', 'UPLOAD-11'],
    mutate: (real) =>
      onWrites(real, async ({ path, sessionId }, forward, context) => {
        try {
          return await forward();
        } catch (error) {
          if (reasonOf(error) === 'UPLOAD_UNFINISHED') {
            const link = { sessionId, path: `${path}.part`, target: 'nothing' };
            await real.createSymlink(create(CreateSymlinkRequestSchema, link), context);
          }
          throw error;
        }
      }),
  },
  {
    fault: 'an upload belongs to all sessions',
    fails: ['UPLOAD-12'],
    mutate: (real) => {
      const sessions = new Map<string, string>();
      const opened = onWriteOpens(real, ({ sessionId, uploadId }) => {
        if (!sessions.has(uploadId)) sessions.set(uploadId, sessionId);
      });
      return {
        ...opened,
        getUpload(request, context) {
          const { attachmentId, uploadId } = request;
          const sessionId = sessions.get(uploadId) ?? request.sessionId;
          const asked = { ...request, attachmentId, sessionId };
          return real.getUpload(asked, withoutHeaders(context));
        },
      };
    },
  },
];
