import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Driver } from './clients/driver.ts';
import { firstExample, runInEmptyProject } from './clients/empty-project.ts';
import { buildInTurn, LANGUAGES, missingTool, programOf, runExample } from './clients/languages.ts';
import { startDriver } from './clients/remote-driver.ts';
import type { Scenario } from './clients/scenario.ts';
import { RECOVERING, SCENARIOS } from './clients/scenarios.ts';
import { setStage } from './clients/stage.ts';
import { typescriptDriver } from './clients/typescript-driver.ts';
import { type ServedProcess, serve } from './support.ts';

/** What every example of stubs prints. */
const EXAMPLE = [
  'attached as attempt 1',
  'started once: true',
  'read: got one',
  'attached as attempt 2',
  'read: got two',
  'ended: END_REASON_TERMINATED',
  'failed: START_FAILED',
  'because: START_STAGE_PROGRAM ENOENT',
  'terminal: 30 100',
];

let server: ServedProcess;

beforeAll(async () => {
  server = await serve();
});

afterAll(async () => {
  expect(await server.stop()).toBe(0);
});

/** Plays scenarios with one driver, and looks at the facts. */
function playAll(
  scenarios: readonly Scenario[],
  startDriver: () => Driver | Promise<Driver>,
): void {
  let driver: Driver | undefined;

  beforeAll(async () => {
    driver = await startDriver();
  });

  afterAll(() => driver?.end());

  for (const { name, play, expected } of scenarios) {
    it(name, async () => {
      if (driver === undefined) throw new Error('there is no driver');
      const stage = await setStage(driver, server.address);
      expect(await play(stage)).toEqual(expected);
      await stage.perform('close', {});
    });
  }
}

const missing = await Promise.all(LANGUAGES.map(missingTool));
const here = LANGUAGES.filter((_, i) => missing[i] === undefined);
const builds = buildInTurn(here);
for (const reason of missing) {
  if (reason !== undefined) process.stderr.write(`skipped: ${reason}\n`);
}

describe('a client in TypeScript', () => {
  playAll(SCENARIOS, typescriptDriver);
});

for (const language of LANGUAGES) {
  const built = builds[here.indexOf(language)];

  describe.skipIf(built === undefined)(`a client in ${language.name}`, () => {
    const { example, folder, package: own } = language;
    const scenarios = own === undefined ? SCENARIOS : [...SCENARIOS, ...RECOVERING];
    playAll(scenarios, async () => {
      await built;
      return startDriver(programOf(language, language.driver));
    });

    if (example !== undefined) {
      it('is shown by an example', async () => {
        expect(await runExample(language, example, server.address)).toEqual(EXAMPLE);
      });
    }

    if (own !== undefined) {
      it('is installed into an empty project, and runs as its README says', async () => {
        const { program, prints } = await firstExample(folder, own);
        expect(await runInEmptyProject(folder, own, program, server.address)).toBe(prints);
      });
    }
  });
}
