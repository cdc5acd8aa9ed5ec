import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Access } from './clients/access.ts';
import type { Driver } from './clients/driver.ts';
import { firstExample, runInEmptyProject } from './clients/empty-project.ts';
import {
  buildInTurn,
  LANGUAGES,
  missingTool,
  programOf,
  runExample,
  runTests,
} from './clients/languages.ts';
import { startDriver } from './clients/remote-driver.ts';
import type { Scenario } from './clients/scenario.ts';
import { TAKEN_BACK } from './clients/scenarios/taken-back.ts';
import { RECOVERING, SCENARIOS } from './clients/scenarios.ts';
import { setStage } from './clients/stage.ts';
import { typescriptDriver } from './clients/typescript-driver.ts';
import { openTokenWay, PLAIN, WAYS, type Way } from './clients/ways.ts';

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

const ways = new Map<string, Way>();

function wayNamed(name: string): Way {
  const way = ways.get(name);
  if (way === undefined) throw new Error(`there is no way ${name}`);
  return way;
}

beforeAll(async () => {
  for (const [name, open] of Object.entries(WAYS)) ways.set(name, await open());
});

afterAll(async () => {
  for (const way of ways.values()) expect(await way.end()).toBe(0);
});

/** Plays scenarios with a driver for each way in, and looks at the facts. */
function playAll(
  scenarios: readonly Scenario[],
  startDriver: (access: Access) => Promise<Driver>,
): void {
  describe.each(Object.keys(WAYS))('%s', (name) => {
    let driver: Driver | undefined;

    beforeAll(async () => {
      driver = await startDriver(wayNamed(name).access);
    });

    afterAll(() => driver?.end());

    const played = scenarios.filter(({ bulky }) => !bulky || name !== PLAIN);
    for (const { name: what, play, expected } of played) {
      it(what, async () => {
        if (driver === undefined) throw new Error('there is no driver');
        const stage = await setStage(driver, wayNamed(name).address);
        expect(await play(stage)).toEqual(expected);
        await stage.perform('close', {});
      });
    }
  });
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
    const { example, folder, package: own, tests } = language;
    const scenarios = own === undefined ? SCENARIOS : [...SCENARIOS, ...RECOVERING];
    playAll(scenarios, async (access) => {
      await built;
      return startDriver(programOf(language, language.driver), access);
    });

    for (const { name, play, expected } of own === undefined ? [] : TAKEN_BACK) {
      it(name, async () => {
        await built;
        const way = await openTokenWay();
        onTestFinished(async () => expect(await way.end()).toBe(0));
        const driver = startDriver(programOf(language, language.driver), way.access);
        onTestFinished(() => driver.end());
        expect(await play(await setStage(driver, way.address), way)).toEqual(expected);
      });
    }

    if (example !== undefined) {
      it('is shown by an example', async () => {
        const { address } = wayNamed(PLAIN);
        expect(await runExample(language, example, address)).toEqual(EXAMPLE);
      });
    }

    if (tests !== undefined) {
      it('passes the tests of its own', () => runTests(language, tests));
    }

    if (own !== undefined) {
      it('is installed into an empty project, and runs as its README says', async () => {
        const { program, prints } = await firstExample(folder, own);
        const { address } = wayNamed(PLAIN);
        expect(await runInEmptyProject(folder, own, program, address)).toBe(prints);
      });
    }
  });
}
