import { GRPCURL_INSTALLED } from '../interop/support.ts';

/** Where commands that a document shows are run, or something that is the same. */
export interface Claim {
  /** The command, or a pattern for several. */
  readonly command: RegExp;
  /** What runs it. */
  readonly by: string;
  /** A text that shows it, which has to be in that file. */
  readonly has: string;
}

/** A command, as it stands in a document. */
function exactly(command: string): RegExp {
  return new RegExp(`^${command.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`);
}

const CLIENTS = 'test/interop/clients/languages.ts';
const GATE = 'scripts/gate/steps.mjs';

/** Blocks after a comment `<!-- elsewhere -->` have only commands of this table. */
export const CLAIMS: readonly Claim[] = [
  { command: exactly('npm ci && npm test'), by: GATE, has: "built('test')" },
  // Into another folder than that of the machine.
  {
    command: /^deploy\/systemd\/install\.sh \/$/,
    by: 'test/deploy/systemd.test.ts',
    has: "run(join(FOLDER, 'install.sh'), [root])",
  },
  {
    command: /^systemd-(?:sysusers|tmpfiles --create)$/,
    by: 'test/deploy/systemd.test.ts',
    has: "'--create', 'runlet.conf'",
  },
  // Where systemd does not run, it looks at the units.
  {
    command: /^systemctl (?:daemon-reload|enable --now runlet\.service)$/,
    by: 'test/deploy/systemd.test.ts',
    has: "'verify', '--man=no', '--recursive-errors=yes'",
  },
  {
    command: /^npm install @opentelemetry\/api /,
    by: 'package.json',
    has: '"@opentelemetry/exporter-trace-otlp-proto"',
  },
  {
    command: /^OTEL_TRACES_EXPORTER=otlp OTEL_EXPORTER_OTLP_ENDPOINT=\S+ runlet serve$/,
    by: 'test/support/trace-collector.ts',
    has: "vi.stubEnv('OTEL_TRACES_EXPORTER', 'otlp')",
  },
  {
    command: exactly('runlet serve --config /etc/runlet/serve.yaml'),
    by: 'test/docs/operating.test.ts',
    has: "['serve', '--config', file]",
  },
  {
    command: exactly('npx runlet conformance --address 127.0.0.1:50051'),
    by: 'src/cli/conformance.ts',
    has: "'runlet conformance'",
  },
  {
    command:
      /^(?:export RUNLET_ADDRESS=\S+ RUNLET_CA=ca\.pem RUNLET_TOKEN_FILE=token|runlet info)$/,
    by: 'test/acceptance/cli-identity.test.ts',
    has: "user.print('info')",
  },
  {
    command:
      /^runlet serve --listen 127\.0\.0\.1:50051 --auth jwt +--jwks https:\S+ +--jwt-issuer /,
    by: 'test/acceptance/secrets-scan.test.ts',
    has: "'--jwks'",
  },
  {
    command: exactly(`go install ${GRPCURL_INSTALLED}`),
    by: 'test/interop/grpcurl.test.ts',
    has: 'await installGrpcurl()',
  },
  {
    command: exactly('runlet forward --reverse 0:localhost:3000'),
    by: 'src/cli/forward.ts',
    has: "'runlet forward --reverse 0:localhost:3000'",
  },

  {
    command: exactly('promtool check rules deploy/observability/prometheus/*.yml'),
    by: 'test/observability/rules.test.ts',
    has: "promtool(['check', 'rules', ...RULE_FILES])",
  },
  {
    command: exactly('promtool test rules test/observability/rules/*.yml'),
    by: 'test/observability/rules.test.ts',
    has: "promtool(['test', 'rules', file])",
  },

  // The clients in other languages are built and run by `npm run test:clients`.
  {
    command: /^scripts\/build-clients\.sh (?:python|java)$/,
    by: CLIENTS,
    has: "'build-clients.sh'",
  },
  {
    command: exactly('go get github.com/runlet/runlet/clients/go/runlet@v0.1.0'),
    by: CLIENTS,
    has: 'go get github.com/runlet/runlet/clients/go/runlet@v0.1.0',
  },
  {
    command: exactly('pip install clients/python/build/runlet-*.whl'),
    by: CLIENTS,
    has: '"$CLIENT"/build/runlet-*.whl',
  },
  {
    command: exactly(
      "java -cp 'clients/java/target/classes:clients/java/target/lib/*' dev.runlet.example.Example 127.0.0.1:50051",
    ),
    by: CLIENTS,
    has: "example: [...JAVA, 'dev.runlet.example.Example']",
  },
  {
    command: exactly('cd clients/rust'),
    by: CLIENTS,
    has: "folder: 'rust'",
  },
  {
    command: exactly('cargo run --locked --example reconnect -- 127.0.0.1:50051'),
    by: CLIENTS,
    has: "example: ['target/debug/examples/reconnect']",
  },

  { command: exactly('npm run bench:guard'), by: GATE, has: "built('bench:guard')" },
  {
    command: exactly('npm run load -- --size smoke'),
    by: 'test/load/smoke.test.ts',
    has: "'--size', 'smoke'",
  },
  {
    command: exactly('npm run load:install'),
    by: 'test/load/smoke.test.ts',
    has: 'await installGoTool(GO_TOOLS.ghz)',
  },
];

/**
 * What takes minutes and measures, or changes the documents: people run it. A test tries whether
 * there are such scripts, and whether those of `TRIED` take the arguments.
 */
export const BY_HAND: readonly RegExp[] = [
  /^npm run (?:bench|load)(?: -- .*)?$/,
  /^npm run bench:(?:install|report)$/,
];

/** Programs that can be asked for what they would do, with `--list`. */
export const TRIED: Readonly<Record<string, string>> = {
  bench: 'bench/main.mjs',
  load: 'load/main.mjs',
};
