import { invalidField } from '../../../errors.ts';
import { SignalScope } from '../../../gen/runlet/v1/signal_pb.ts';
import { DEFAULT_GRACE_MS, MAX_GRACE_MS } from '../../../limits.ts';
import { ROUTINE_DEED } from '../../audit-calls.ts';
import { processMessage } from '../../messages.ts';
import {
  parseDuration,
  parseEnum,
  parseSignal,
  parseTerminalSize,
  SIGNAL_SCOPES,
} from '../../requests/fields.ts';
import { findProcess, type ProcessMethods, type ProcessServiceOptions } from './process-calls.ts';
import { signalDetail } from './record-signal.ts';

const TERMINATE_SCOPES = { ...SIGNAL_SCOPES, [SignalScope.UNSPECIFIED]: 'tree' } as const;

/** `SignalProcess`, `TerminateProcess` and `ResizeTerminal`. */
export function signalAndTerminate(
  options: ProcessServiceOptions,
): ProcessMethods<'signalProcess' | 'terminateProcess' | 'resizeTerminal'> {
  return {
    async signalProcess(request, context) {
      const { scope, signal } = parseSignal('', request);
      context.set(ROUTINE_DEED, { detail: signalDetail(signal, scope) });
      await findProcess(options, request, context).process.signal(signal, scope);
      return {};
    },

    async terminateProcess(request, context) {
      const graceMs = parseDuration('grace', request.grace, MAX_GRACE_MS) ?? DEFAULT_GRACE_MS;
      const scope = parseEnum('scope', request.scope, TERMINATE_SCOPES);
      const detail = `${scope}, ${graceMs / 1000} s of grace`;
      context.set(ROUTINE_DEED, { detail, goesOn: true });
      const { process, session } = findProcess(options, request, context);
      const wasRunning = process.record.phase.state === 'running';
      context.sendHeaders();
      await process.terminate('terminated', graceMs, scope);
      return { wasRunning, process: processMessage(session.id, process) };
    },

    resizeTerminal(request, context) {
      if (request.size === undefined) throw invalidField('size', 'is required');
      const size = parseTerminalSize('size', request.size);
      findProcess(options, request, context).process.resizeTerminal(size);
      return {};
    },
  };
}
