import { bytesOfText, isPlain, shownText } from '../../../system-text.ts';
import { fileMessage } from '../../file-messages.ts';
import { enterFiles, type FileMethods, type FileServiceOptions, parsePath } from './file-calls.ts';

/** `StatFile` and `ResolvePath`. */
export function statAndResolve(
  options: FileServiceOptions,
): FileMethods<'statFile' | 'resolvePath'> {
  return {
    async statFile(request, context) {
      const path = parsePath('path', request.path, request.rawPath);
      const { asker, files } = enterFiles(options, request, context);
      const follow = !request.noFollow;
      const info = await files.run(asker, 'stat', { path, follow }, context.signal);
      return { file: fileMessage(info) };
    },

    async resolvePath(request, context) {
      const path = parsePath('path', request.path, request.rawPath);
      const { asker, files } = enterFiles(options, request, context);
      const found = await files.run(asker, 'resolvePath', { path }, context.signal);
      return {
        path: shownText(found),
        ...(isPlain(found) ? {} : { rawPath: bytesOfText(found) }),
      };
    },
  };
}
