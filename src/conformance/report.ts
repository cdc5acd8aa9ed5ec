import type { CheckResult } from './run-checks.ts';

/** How many checks went which way. */
export interface Summary {
  passed: number;
  failed: number;
  skipped: number;
}

/** Tells how checks go, in lines of which the last has no end. */
export interface Reporter {
  /** What comes before all results, if anything. `count` is how many there will be. */
  begin(count: number): string;
  /** One result. Results come in the order of the checks. */
  result(result: CheckResult): string;
  /** What comes after all of them. */
  end(summary: Summary): string;
}

/**
 * The Test Anything Protocol, version 14: https://testanything.org/tap-version-14-specification.html
 */
export function tapReporter(): Reporter {
  let number = 0;
  return {
    begin: (count) => `TAP version 14\n1..${count}`,
    result({ check, durationMs, outcome, reason = '' }) {
      number += 1;
      const name = `${check.id} ${check.title}`.replace(/[\\#]/g, (special) => `\\${special}`);
      const line = `${outcome === 'failed' ? 'not ok' : 'ok'} ${number} - ${name}`;
      if (outcome === 'skipped') return `${line} # SKIP ${reason}`;
      const facts = [`clause: ${scalar(check.clause)}`, `duration_ms: ${Math.round(durationMs)}`];
      if (outcome === 'failed') facts.unshift(`message: ${scalar(reason)}`);
      return [line, '  ---', ...facts.map((fact) => `  ${fact}`), '  ...'].join('\n');
    },
    end: ({ failed, passed, skipped }) =>
      `# ${passed} passed, ${failed} failed, ${skipped} skipped`,
  };
}

/** A JSON object on each line: one for each check, and then `{"summary": ...}`. */
export function jsonReporter(): Reporter {
  return {
    begin: () => '',
    result: ({ check, durationMs, outcome, reason = null }) =>
      JSON.stringify({
        id: check.id,
        title: check.title,
        clause: check.clause,
        outcome,
        reason,
        durationMs: Math.round(durationMs),
      }),
    end: (summary) => JSON.stringify({ summary }),
  };
}

/** A text as a scalar of YAML on one line: every string of JSON is one. */
function scalar(text: string): string {
  return JSON.stringify(text);
}
