/* What places of a sandbox are made of. */

/** What a sandbox has of its own, by its path inside. */
export const TEMP = '/tmp';
export const PROC = '/proc';
export const DEV = '/dev';
export const SHM = '/dev/shm';

/**
 * What programs need to run, as far as a machine has it: programs and libraries, and of `/etc` what
 * the loader, the resolver, certificates, time zones and the names of users need. No private keys:
 * of `/etc/ssl` and `/etc/pki` the public parts alone.
 */
export const PLATFORM: readonly string[] = [
  '/usr',
  ...['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'],
  ...[
    'ld.so.cache',
    'ld.so.conf',
    'ld.so.conf.d',
    'alternatives',
    'resolv.conf',
    'hosts',
    'host.conf',
    'nsswitch.conf',
    'gai.conf',
    'services',
    'protocols',
    'networks',
    'ssl/certs',
    'ssl/cert.pem',
    'ssl/openssl.cnf',
    'ca-certificates',
    'ca-certificates.conf',
    'pki/ca-trust',
    'pki/tls/certs',
    'pki/tls/cert.pem',
    'pki/tls/openssl.cnf',
    'crypto-policies',
    'localtime',
    'timezone',
    'locale.alias',
    'passwd',
    'group',
  ].map((name) => `/etc/${name}`),
];

/**
 * File systems of the kernel, by what can be done with them at most. Who is root changes the
 * machine by them, with no capability: by `uevent_helper` of sysfs, or `release_agent` of cgroups.
 * What tells of other processes, or lets them be reached, is not there.
 */
export const KERNEL_FILE_SYSTEMS: ReadonlyMap<string, 'read' | 'none'> = new Map([
  ...['sysfs', 'cgroup', 'cgroup2', 'selinuxfs', 'rpc_pipefs'].map(
    (name) => [name, 'read'] as const,
  ),
  ...[
    ...['proc', 'mqueue', 'debugfs', 'tracefs', 'bpf', 'securityfs', 'pstore', 'efivarfs'],
    ...['configfs', 'fusectl', 'binfmt_misc', 'nfsd', 'resctrl', 'devtmpfs', 'devpts'],
  ].map((name) => [name, 'none'] as const),
]);
