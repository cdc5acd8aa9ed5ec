import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../support.ts';
import type { Package } from './empty-project.ts';
import type { Program } from './remote-driver.ts';

const run = promisify(execFile);

/** How long it may take to build a client, in milliseconds; packages are fetched the first time. */
const BUILD_TIMEOUT_MS = 1_200_000;

/** How long an example, or tests, may take, in milliseconds: a bound for some that hang. */
const EXAMPLE_TIMEOUT_MS = 240_000;

/** A language with a client in `clients/`. */
export interface Language {
  readonly name: string;
  /** The folder in `clients/`. */
  readonly folder: string;
  /** Commands that succeed where its tools are installed. */
  readonly tools: readonly (readonly [string, ...string[]])[];
  readonly driver: Program['argv'];
  /** The example that calls the stubs, which takes an address; a package has none. */
  readonly example?: Program['argv'];
  /** Runs the tests that it has of its own, where there are some. */
  readonly tests?: Program['argv'];
  /** The package, where there is one, which recovers by itself. */
  readonly package?: Package;
}

const JAVA = ['java', '-XX:TieredStopAtLevel=1', '-cp', 'target/classes:target/lib/*'] as const;

/** Every language with a client in `clients/`. */
export const LANGUAGES: readonly Language[] = [
  {
    name: 'Go',
    folder: 'go',
    tools: [['go', 'version']],
    driver: ['bin/driver'],
    tests: ['go', 'test', '-trimpath', './...'],
    // From a cache of its own: in the user's an older state of this version would stay. What
    // the user's has of other modules is not fetched again.
    package: {
      fence: 'go',
      file: 'main.go',
      install: `
        fetched="$(go env GOMODCACHE)/cache/download"
        proxies="file://$CLIENT/build/proxy,file://$fetched,$(go env GOPROXY)"
        export GOMODCACHE="$PWD/modules" GOFLAGS=-modcacherw GOSUMDB=off
        go mod init example.com/empty
        GOPROXY="$proxies" go get github.com/runlet/runlet/clients/go/runlet@v0.1.0
        go build -trimpath -o main .
      `,
      program: ['./main'],
    },
  },
  {
    name: 'Python',
    folder: 'python',
    tools: [['python3', '-c', 'import ensurepip, venv']],
    driver: ['.venv/bin/python', '-m', 'driver'],
    tests: ['.venv/bin/python', '-m', 'unittest', 'discover', '-s', 'tests', '-t', '.'],
    // By the oldest Python that it is for, where that is installed.
    package: {
      fence: 'python',
      file: 'main.py',
      install: `
        if python3.10 -c '' 2>/dev/null; then python=python3.10; else python=python3; fi
        $python -m venv .venv
        .venv/bin/pip install --quiet --disable-pip-version-check "$CLIENT"/build/runlet-*.whl
      `,
      program: ['.venv/bin/python', 'main.py'],
    },
  },
  {
    name: 'Java',
    folder: 'java',
    tools: [
      ['javac', '-version'],
      ['mvn', '--version'],
    ],
    driver: [...JAVA, 'dev.runlet.driver.Main'],
    example: [...JAVA, 'dev.runlet.example.Example'],
  },
  {
    name: 'Rust',
    folder: 'rust',
    tools: [['cargo', '--version']],
    driver: ['target/debug/driver'],
    example: ['target/debug/examples/reconnect'],
  },
];

/** Says which tool of a language is missing; undefined: none. Continuous integration has them all. */
export async function missingTool({ name, tools }: Language): Promise<string | undefined> {
  for (const [tool, ...args] of tools) {
    try {
      await run(tool, args);
    } catch (cause) {
      const reason = `the client in ${name} needs a tool: install it (the command \`${tool}\`)`;
      if (process.env['CI'] === 'true') throw new Error(reason, { cause });
      return reason;
    }
  }
  return undefined;
}

/**
 * Builds clients one after the other, in the background. Returns when each is there, in the
 * same order; one that cannot be built holds up none of the others.
 */
export function buildInTurn(languages: readonly Language[]): readonly Promise<void>[] {
  let before = Promise.resolve();
  return languages.map((language) => {
    const built = before.then(() => buildClient(language));
    before = built.catch(() => {});
    return built;
  });
}

async function buildClient({ folder }: Language): Promise<void> {
  const script = join(ROOT, 'scripts', 'build-clients.sh');
  await run(script, [folder], { timeout: BUILD_TIMEOUT_MS, maxBuffer: 64 * 1024 * 1024 });
}

/** A program of a client, to be run. */
export function programOf({ folder }: Language, argv: Program['argv']): Program {
  return { argv, folder: join(ROOT, 'clients', folder) };
}

/** Runs an example of a language and returns the lines that it prints. */
export async function runExample(
  language: Language,
  example: Program['argv'],
  address: string,
): Promise<readonly string[]> {
  const { argv, folder } = programOf(language, example);
  const [file, ...args] = argv;
  const { stdout } = await run(file, [...args, address], {
    cwd: folder,
    timeout: EXAMPLE_TIMEOUT_MS,
  });
  return stdout.trimEnd().split('\n');
}

/** Runs the tests that a client has of its own; rejects with what they print if one fails. */
export async function runTests(language: Language, tests: Program['argv']): Promise<void> {
  const { argv, folder } = programOf(language, tests);
  const [file, ...args] = argv;
  await run(file, args, { cwd: folder, timeout: EXAMPLE_TIMEOUT_MS });
}
