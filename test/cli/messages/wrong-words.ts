/*
 * Command lines that are wrong in themselves, by the command whose help tells what is right, and
 * what is said of them. Which help that is, is said after it.
 */

const SPAN = 'it is no span of time from 0 to 2147483 seconds, such as 90, 1.5s, 20m or 1h30m';
const BYTES = 'it is no number of bytes, such as 4096, 64KiB or 1GiB';
const FILTER =
  'it is none of state=running, state=exited, state=closed, label=NAME and label=NAME=VALUE';

const GRANTS = 'start, observe, input, signal, files:read, files, http, tunnel, admin';
const LATER = 'it is neither a time span such as 1h30m nor a time such as 2030-01-31T12:00:00Z';

/** One that the system would cut. */
const LONG_PATH = `/${'x'.repeat(107)}`;

/** Words that are wrong, after `runlet`, and what is said of them. */
export const WRONG_WORDS: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  runlet: [
    ['lgos', 'unknown command lgos (did you mean logs?)'],
    ['ls -l', 'unknown command ls (did you mean ps?)'],
    ['--nonsense', 'unknown option --nonsense'],
  ],
  'runlet forward': [
    ['forward', 'nothing to forward is named'],
    ['forward host', '<spec> host: expected [LOCAL:]HOST:PORT or LOCAL:/PATH'],
    [
      'forward /run/there.sock',
      '<spec> /run/there.sock: expected [LOCAL:]HOST:PORT or LOCAL:/PATH',
    ],
    ['forward 8080:80', '<spec> 8080:80: no host is named: is it 8080:localhost:80?'],
    ['forward host:0', '<spec> host:0: 0 is no port from 1 to 65535'],
    ['forward 70000:host:80', '<spec> 70000:host:80: 70000 is no port from 0 to 65535'],
    [`forward --reverse 0:${LONG_PATH}`, 'the path of a socket has 107 bytes at most'],
    [
      `forward ${LONG_PATH}:host:80`,
      `<spec> ${LONG_PATH}:host:80: the path of a socket has 107 bytes at most`,
    ],
    ['forward --socks host', '--socks host: expected [BIND:]PORT'],
    [
      'forward --reverse --socks 0 0:host:80',
      '--reverse cannot be used with --socks and --http-proxy',
    ],
    ['forward --reverse --process build 0:host:80', '--reverse cannot be used with --process'],
    ['forward --reverse /run/here.sock:host:80', '--reverse listens at ports alone'],
  ],
  'runlet fetch': [
    ['fetch http://', 'http://: it is no URL'],
    ['fetch ftp://host/', 'ftp://: it is neither http:// nor https://'],
    ['fetch -H nonsense host', '--header nonsense: expected NAME: VALUE'],
    ['fetch -I -d x host', '--head cannot be used with --data and --data-binary'],
    ['fetch -d x --data-binary y host', '--data cannot be used with --data-binary'],
    ['fetch -O http://host/', '--remote-name: the URL ends with no name'],
    ['fetch -m 0 host', '--max-time 0: it must be more than 0'],
  ],
  'runlet logs': [
    ['logs --folow', 'unknown option --folow (did you mean --follow?)'],
    ['logs --nonsense', 'unknown option --nonsense'],
    ['logs -z', 'unknown option -z'],
    [
      'logs --since yesterday',
      '--since yesterday: it is neither a time span such as 10m nor a time such as 2026-01-31T12:00:00Z',
    ],
    [
      'logs --since 5',
      '--since 5: it is neither a time span such as 10m nor a time such as 2026-01-31T12:00:00Z',
    ],
    ['logs --since-seq -1', '--since-seq -1: it is not a whole number'],
    ['logs --since-seq 1.5', '--since-seq 1.5: it is not a whole number'],
    ['logs --tail -1', '--tail -1: it is not a whole number'],
    ['logs --tail 5 --json', '--tail cannot be used with --json'],
    ['logs --timestamps --json', '--timestamps cannot be used with --json'],
  ],
  'runlet run': [
    ['run', '<program> is missing'],
    ['run --', '<program> is missing'],
    ['run -l ls', 'unknown option -l'],
    ['run --timeout', '--timeout <duration>: its value is missing'],
    ['run --timeout 0 true', '--timeout 0: it must be more than 0'],
    ['run --timeout soon true', `--timeout soon: ${SPAN}`],
    ["run --timeout '' true", `--timeout '': ${SPAN}`],
    ['run --timeout 1h2h true', `--timeout 1h2h: ${SPAN}`],
    ['run --timeout -5 true', `--timeout -5: ${SPAN}`],
    ['run --timeout 99999999 true', `--timeout 99999999: ${SPAN}`],
    ['run --reconnect-for 0 true', '--reconnect-for 0: it must be more than 0'],
    ['run --reconnect-for never true', `--reconnect-for never: ${SPAN}`],
    ['run --drain-timeout x true', `--drain-timeout x: ${SPAN}`],
    ['run --env-policy some true', '--env-policy some: it is none of all, core, none'],
    ['run --env =x true', '--env =x: it names no variable'],
    ["run -e '' true", "--env '': it names no variable"],
    ['run --label x true', '--label x: it is not of the form NAME=VALUE'],
    ['run --label =x true', '--label =x: it is not of the form NAME=VALUE'],
    [
      'run --limit files=1 true',
      '--limit files=1: there is no limit files, but open-files, processes, address-space, file-size, core-size, cpu-time',
    ],
    ['run --limit open-files true', '--limit open-files: it is not of the form NAME=VALUE'],
    ['run --limit open-files=many true', '--limit open-files=many: it is not a whole number'],
    ['run --limit address-space=x true', `--limit address-space=x: ${BYTES}`],
    ['run --limit cpu-time=x true', `--limit cpu-time=x: ${SPAN}`],
    ['run --address nonsense true', '--address nonsense: expected unix:PATH or HOST:PORT'],
    ['run --address unix: true', '--address unix:: the path is missing'],
    ['run --address host:99999 true', '--address host:99999: expected unix:PATH or HOST:PORT'],
    ["run --id '' true", "--id '': it must not be empty"],
    ["run --sandbox '' true", "--sandbox '': it must not be empty"],
    ["run --allow-write '' true", "--allow-write '': it must not be empty"],
    [
      'run --allow-read @home true',
      '--allow-read @home: it is none of the places @platform, @cwd, @temp, @root; a path that begins so is written ./@',
    ],
    ['run --network some true', '--network some: it is none of none, host'],
    [
      'run --allow-write x --address 127.0.0.1:1 true',
      '--allow-write x: on another machine it has to be an absolute path',
    ],
    [
      'run --deny @cwd --address 127.0.0.1:1 true',
      '--deny @cwd: on another machine it has to be an absolute path',
    ],
    [
      'run --cwd x --address 127.0.0.1:1 true',
      '--cwd x: on another machine it has to be an absolute path',
    ],
  ],
  'runlet start': [
    ['start', '<program> is missing'],
    ['start --ttl 5 --session x true', '--ttl cannot be used with --session'],
    ['start --ttl x true', `--ttl x: ${SPAN}`],
    ['start --retention x true', `--retention x: ${SPAN}`],
    ['start --retained-bytes 64XB true', `--retained-bytes 64XB: ${BYTES}`],
    ['start --retained-bytes 0 true', '--retained-bytes 0: it must be more than 0'],
    ["start --retained-bytes '1 MB' true", `--retained-bytes '1 MB': ${BYTES}`],
    ['start --overflow drop true', '--overflow drop: it is none of drop-oldest, pause'],
    ["start --session '' true", "--session '': it must not be empty"],
  ],
  'runlet exec': [
    ['exec', '<where> is missing'],
    ['exec x', '<program> is missing'],
    ['exec x --', '<program> is missing'],
    ["exec '' true", "<where> '': it must not be empty"],
  ],
  'runlet attach': [
    ['attach one two', 'too many arguments: 2, where 1 can be'],
    ["attach ''", "<process> '': it must not be empty"],
    [
      'attach --detach-keys ctrl- x',
      '--detach-keys ctrl-: expected keys like ctrl-p,ctrl-q or x, with commas between',
    ],
    ["attach --session '' x", "--session '': it must not be empty"],
  ],
  'runlet ps': [
    ['ps x', 'too many arguments: 1, where 0 can be'],
    ['ps --filter pid=1', `--filter pid=1: ${FILTER}`],
    ['ps --filter state=x', `--filter state=x: ${FILTER}`],
    ['ps --format yaml', '--format yaml: it is none of table, json, name'],
    ["ps --session ''", "--session '': it must not be empty"],
  ],
  'runlet top': [
    ['top x', 'too many arguments: 1, where 0 can be'],
    ['top --sort name', '--sort name: it is none of cpu, memory, output, age, lag'],
    ['top --interval 0', '--interval 0: it must be more than 0'],
    ['top --interval x', `--interval x: ${SPAN}`],
  ],
  'runlet kill': [
    ['kill -99', '--signal 99: it is no signal, such as INT, SIGINT or 2'],
    ['kill --signal NOPE', '--signal NOPE: it is no signal, such as INT, SIGINT or 2'],
    ['kill --signal INT --grace 1', '--grace cannot be used with --signal'],
    ['kill --scope all', '--scope all: it is none of group, leader, tree'],
    ['kill --grace x web', `--grace x: ${SPAN}`],
    ["kill ''", "<process> '': it must not be empty"],
    ['kill --grace 99999999 web', `--grace 99999999: ${SPAN}`],
  ],
  'runlet stop': [['stop -t x web', `--grace x: ${SPAN}`]],
  'runlet wait': [["wait ''", "<process> '': it must not be empty"]],
  'runlet inspect': [["inspect ''", "<process> '': it must not be empty"]],
  'runlet sessions': [['sessions shut', 'too many arguments: 1, where 0 can be']],
  'runlet cp': [
    ['cp', '<source> is missing'],
    ['cp x', '<target> is missing'],
    ["cp x ''", "<target> '': it must not be empty"],
    ['cp a b', 'neither path is on the server: write that one as SESSION:PATH or :PATH'],
    ['cp - ./a:b', 'neither path is on the server: write that one as SESSION:PATH or :PATH'],
    ['cp one:/a two:/b', 'both paths have to be of one session'],
    ['cp a :', 'the path on the server is missing'],
    ['cp --address 127.0.0.1:1 a :b', 'b: on another machine it has to be an absolute path'],
    ['cp --reconnect-for soon a :b', `--reconnect-for soon: ${SPAN}`],
  ],
  'runlet files': [['files nope', 'unknown command nope']],
  'runlet files ls': [
    ['files ls', '<path> is missing'],
    ["files ls ''", "<path> '': it must not be empty"],
    ['files ls -z /', 'unknown option -z'],
    ['files ls one:/a two:/b', 'all paths have to be of one session'],
    ['files ls --session one two:/b', 'all paths have to be of one session'],
  ],
  'runlet files mkdir': [
    ['files mkdir -m 0888 /x', '--mode 0888: it is no mode in octal, such as 0755 or 700'],
    ['files mkdir -m rwx /x', '--mode rwx: it is no mode in octal, such as 0755 or 700'],
  ],
  'runlet files mv': [['files mv /a', '<target> is missing']],
  'runlet sessions close': [
    ["sessions close ''", "<session> '': it must not be empty"],
    ['sessions close --all nope', 'sessions are named, or chosen by --all or --idle, but not both'],
    ['sessions close --nonsense', 'unknown option --nonsense'],
  ],
  'runlet token': [['token nwe', 'unknown command nwe (did you mean new?)']],
  'runlet token new': [
    ['token new a/b', '<name> a/b: it is not 1 to 64 letters, digits and characters of ._@-'],
    ['token new ci --grant start,sudo', `--grant start,sudo: it takes ${GRANTS}`],
    ["token new ci --grant ''", `--grant '': it takes ${GRANTS}`],
    ['token new ci --not-after 5', `--not-after 5: ${LATER}`],
    ['token new ci --not-after 10000-01-01', `--not-after 10000-01-01: ${LATER}`],
    ['token new ci --not-after 2020-01-01', '--not-after 2020-01-01: it is over'],
    ["token new ci --out ''", "--out '': it must not be empty"],
  ],
  'runlet token narrow': [
    ['token narrow', 'it is not said to what: by --session, --grant or --not-after'],
    ['token narrow --session 5f0c', '--session 5f0c: it is no whole id of a session'],
  ],
  'runlet token inspect': [['token inspect x', 'too many arguments: 1, where 0 can be']],
  'runlet info': [
    ['info x', 'too many arguments: 1, where 0 can be'],
    ['info --address nonsense', '--address nonsense: expected unix:PATH or HOST:PORT'],
  ],
  'runlet completion': [
    ['completion', '<shell> is missing'],
    ['completion tcsh', '<shell> tcsh: it is none of bash, zsh, fish'],
  ],
  'runlet conformance': [
    ['conformance --only NOPE-01', 'there is no check NOPE-01'],
    ['conformance --grep (', "--grep '(': Invalid regular expression: /(/i: Unterminated group"],
    ['conformance --grep zzzz', 'no check is left to do'],
    ['conformance --jobs 0', '--jobs 0: it must be more than 0'],
    ['conformance --jobs many', '--jobs many: it is not a whole number'],
    ['conformance --timeout 0', '--timeout 0: it must be more than 0'],
  ],
  'runlet doctor': [
    ['doctor here', 'too many arguments: 1, where 0 can be'],
    ['doctor --state-dir here', '--state-dir here: it is not an absolute path'],
    ['doctor --max-processes 0', '--max-processes 0: it must be more than 0'],
    ['doctor --output-memory 0', '--output-memory 0: it must be more than 0'],
    [
      'doctor --output-disk much',
      '--output-disk much: it is no number of bytes, such as 4096, 64KiB or 1GiB',
    ],
  ],
  'runlet serve': [
    ['serve x', 'too many arguments: 1, where 0 can be'],
    ['serve --listen nonsense', '--listen nonsense: expected unix:PATH or HOST:PORT'],
    ['serve --listen 127.0.0.1:0', '--listen 127.0.0.1:0 needs --auth'],
    ['serve --listen systemd:', '--listen systemd:: the name of the socket is missing'],
    [
      'serve --listen systemd:web',
      '--listen systemd:web: systemd has passed no socket: LISTEN_FDS is not set',
    ],
    [
      'serve --listen systemd --status',
      '--status needs addresses: what systemd passes is for the server alone',
    ],
    [
      'serve --listen systemd --daemon',
      '--daemon needs addresses: what systemd passes is for the server alone',
    ],
    ['serve --listen 127.0.0.1:0 --auth token', '--auth token needs --token-file'],
    ['serve --metrics nonsense', '--metrics nonsense: it is not HOST:PORT'],
    [
      'serve --metrics 0.0.0.0:0',
      '--metrics 0.0.0.0:0 needs --metrics-token-file: it is not a loopback address',
    ],
    ['serve --metrics-token-file /none', '--metrics-token-file needs --metrics'],
    [
      'serve --metrics 127.0.0.1:0 --metrics-token-file /none',
      '--metrics-token-file: it cannot be read (ENOENT)',
    ],
    ['serve --token-file tokens', '--token-file is of no use without --auth token'],
    [
      'serve --listen [::]:0 --auth none',
      '--auth none is refused on [::]:0: it is not a loopback address',
    ],
    [
      'serve --listen 0.0.0.0:0 --auth none',
      '--auth none is refused on 0.0.0.0:0: it is not a loopback address',
    ],
    ['serve --auth anybody', '--auth anybody: it takes none, token, jwt, mtls, peer'],
    [
      'serve --listen 127.0.0.1:0 --auth jwt --jwks /none --jwt-issuer x',
      '--auth jwt needs --jwks, --jwt-issuer and --jwt-audience',
    ],
    [
      'serve --listen 127.0.0.1:0 --auth jwt --jwks /none --jwt-issuer x --jwt-audience y',
      '--jwks: /none: it cannot be read (ENOENT)',
    ],
    [
      'serve --listen 127.0.0.1:0 --auth jwt --jwks http://192.0.2.1/x?key=hunter2 --jwt-issuer x --jwt-audience y',
      '--jwks: it has to be https, or http on a loopback address',
    ],
    [
      'serve --listen 127.0.0.1:0 --auth jwt --jwks https://me:hunter2@example.com/x --jwt-issuer x --jwt-audience y',
      '--jwks: a URL with a user or a password is not taken',
    ],
    [
      'serve --jwt-algorithm HS256',
      '--jwt-algorithm HS256: it is none of EdDSA, Ed25519, ES256, ES384, ES512, PS256, PS384, PS512, RS256, RS384, RS512',
    ],
    [
      'serve --jwt-algorithm none',
      '--jwt-algorithm none: it is none of EdDSA, Ed25519, ES256, ES384, ES512, PS256, PS384, PS512, RS256, RS384, RS512',
    ],
    [
      'serve --listen 127.0.0.1:0,auth=none,health',
      '--listen 127.0.0.1:0,auth=none,health: where only health is told, nobody is let in',
    ],
    [
      'serve --listen 127.0.0.1:0,auth=none,auth=token',
      '--listen 127.0.0.1:0,auth=none,auth=token: auth can be said once; join kinds by +',
    ],
    ['serve --tls-cert x', '--tls-cert and --tls-key go together'],
    ['serve --tls-key x', '--tls-cert and --tls-key go together'],
    ['serve --tls-cert x --tls-key x', '--tls-cert needs a --listen over TCP that has TLS'],
    ['serve --client-ca x', '--client-ca needs --tls-cert and --tls-key'],
    ['serve --client-crl x', '--client-crl needs --client-ca'],
    ['serve --client-name x.test', '--client-name needs --client-ca'],
    [
      'serve --listen 127.0.0.1:0 --auth mtls',
      '--auth mtls on 127.0.0.1:0 needs TLS: --tls-cert, --tls-key and --client-ca',
    ],
    [
      'serve --listen 127.0.0.1:0,tls=off --auth mtls --tls-cert x --tls-key x --client-ca x',
      '--auth mtls on 127.0.0.1:0 needs TLS: --tls-cert, --tls-key and --client-ca',
    ],
    [
      'serve --listen 127.0.0.1:0 --auth mtls --tls-cert x --tls-key x --client-ca x',
      '--auth mtls on 127.0.0.1:0 needs --client-name: which names of certificates are let in',
    ],
    ['serve --listen unix:x --auth mtls', '--auth mtls on unix:x: Unix sockets have no TLS'],
    [
      'serve --listen 127.0.0.1:0,tls=on --auth none',
      '--listen 127.0.0.1:0,tls=on: tls can only be said to be off',
    ],
    [
      'serve --client-name spiffe://*/x',
      "--client-name 'spiffe://*/x': its trust domain is not a name in lower case",
    ],
    [
      'serve --client-name spiffe://x.test',
      '--client-name spiffe://x.test: it has no path: end it with /** for all of them',
    ],
    [
      'serve --client-name spiffe://x.test/**/y',
      "--client-name 'spiffe://x.test/**/y': a segment of its path has letters, digits, dots, dashes, underscores and one * at most, and ** is the last one alone",
    ],
    [
      'serve --client-name a..b',
      '--client-name a..b: it is neither spiffe://TRUST-DOMAIN/PATH nor a DNS name, with one * at most in a part',
    ],
    ['serve --policy /dev/null', '--policy /dev/null: it is no file'],
    ['serve --drain wait', '--drain wait needs --drain-timeout'],
    [
      'serve --high-water sessions=9 --max-sessions 8',
      'sessions of --high-water must not be more than --max-sessions',
    ],
    [
      'serve --high-water sessions=9,sessions=8',
      '--high-water sessions=9,sessions=8: it is sessions=N, memory=SIZE, or both with a comma',
    ],
    [
      'serve --high-water sessions=5=6',
      '--high-water sessions=5=6: it is sessions=N, memory=SIZE, or both with a comma',
    ],
    ['serve --audit-arguments', '--audit-arguments needs --audit'],
    ['serve --audit-required', '--audit-required needs --audit'],
    [
      'serve --audit - --daemon',
      '--audit - has no standard output to write to with --daemon: name a file',
    ],
    [
      'serve --http-credential api=api.example.org,authorization,/dev/null',
      '--http-credential: the credential api: it is no file',
    ],
    ['serve --http-ca /dev/null', '--http-ca: /dev/null: it is no file'],
    ['serve --sandbox-profiles /dev/null', '--sandbox-profiles /dev/null: it is no file'],
    [
      'serve --egress-allow example..org',
      '--egress-allow example..org: it is no name, no address and no range such as 10.0.0.0/8',
    ],
    [
      "serve --egress-deny '*'",
      "--egress-deny '*': write 0.0.0.0/0 for all addresses of IPv4, and ::/0 for those of IPv6",
    ],
    [
      'serve --egress-deny example.*',
      "--egress-deny 'example.*': a * can only stand before the first dot of a name: *.example.org",
    ],
    [
      'serve --egress-deny 10.1.2.3/8',
      '--egress-deny 10.1.2.3/8: it has bits after its prefix; write 10.0.0.0/8, or the address alone',
    ],
    [
      'serve --egress-deny 10.0.0.0/33',
      '--egress-deny 10.0.0.0/33: the prefix must be a number from 0 to 32',
    ],
    [
      'serve --egress-deny 10/8',
      '--egress-deny 10/8: it is no range of addresses, such as 10.0.0.0/8 or fd00::/8',
    ],
    ['serve --egress-allow 0x7f.1', '--egress-allow 0x7f.1: write the address as 127.0.0.1'],
    [
      'serve --egress-allow fe80::1%eth0',
      '--egress-allow fe80::1%eth0: an address is written without its zone',
    ],
    [
      'serve --egress-allow fd00::/8:443',
      '--egress-allow fd00::/8:443: what is of IPv6 is written as [ADDRESS]:PORT where it has a port',
    ],
    [
      'serve --egress-allow [fd00::1]443',
      "--egress-allow '[fd00::1]443': brackets are written as [ADDRESS] or [ADDRESS]:PORT",
    ],
    [
      'serve --egress-allow example.org:0',
      '--egress-allow example.org:0: the port must be a number from 1 to 65535',
    ],
    [
      'serve --egress-allow https://example.org',
      '--egress-allow https://example.org: it is a URL; write its host alone, or HOST:PORT',
    ],
    [
      'serve --allow-listen example.org',
      '--allow-listen example.org: it is no address of this machine, 0.0.0.0, :: or *',
    ],
    ['serve --launcher fork', '--launcher fork: it is none of posix_spawn, child_process'],
    ['serve --log-level loud', '--log-level loud: it is none of debug, info, warn, error, silent'],
    ['serve --cwd x', '--cwd x: it is not an absolute path'],
    ['serve --file-root x', '--file-root x: it is not an absolute path'],
    [
      'serve --socket-mode 0066',
      '--socket-mode 0066: it is no mode that lets its user in, such as 0600 or 0660',
    ],
    ['serve --retention -1', `--retention -1: ${SPAN}`],
    ['serve --max-sessions 0', '--max-sessions 0: it must be more than 0'],
    ['serve --state-dir x', '--state-dir x: it is not an absolute path'],
    ['serve --config /none', '/none: it cannot be read (ENOENT)'],
    ['serve --config /dev/null --status', '/dev/null: it is no file'],
    ["serve --config ''", "--config '': it must not be empty"],
    ['serve --check --daemon', '--check cannot be used with --daemon'],
    ['serve --check --status', '--check cannot be used with --status'],
    ['serve --daemon --json', '--json cannot be used with --daemon'],
    [
      'serve --detached-ttl 0.01',
      '--detached-ttl must lie between --min-detached-ttl and --max-detached-ttl',
    ],
  ],
};
