import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import { addressOf, addressParts, isHost, isLoopback } from '../domain/node-address';
import { addIssue, callback, expected, fields, flag, integer, list, oneOf } from '../domain/parse/shapes';
import type { RaftTransport } from '../raft/transport/raft-transport';

/** The key, the certificate and the authorities of a node, in PEM format. */
export interface ClusterTls {
  /** The private key of this node. */
  key: string | Uint8Array | KeyObject;
  /** The certificate of this node, followed by those between it and the authority. */
  cert: string | Uint8Array;
  /** The certificates of the authorities that issue the certificates of the cluster's nodes, and no others. */
  ca: string | Uint8Array | (string | Uint8Array)[];
}

/**
 * Makes this process a node of a cluster: several processes, each with a folder of its own, that hold the same memories.
 *
 * A new folder needs either `bootstrap` or `join`. A folder that belongs to a cluster ignores both, so a program can pass the same options
 * at each start.
 */
export interface ClusterOptions {
  /** The address on which this node accepts connections from the other nodes over TCP. Either this or `transport` is required. */
  listen?: { host: string; port: number };
  /**
   * The address at which the other nodes reach this node, as `host:port`. Default: the address of `listen`. With `transport` it is required,
   * and may be any text of at most 255 characters: no other node has the same.
   */
  advertise?: string;
  /**
   * Makes a transport of your own, which carries messages between the nodes in place of TCP. It is called for each start of the node, twice
   * while a new node joins: a transport is started once. It takes the place of `listen`, `tls` and `secret`. A node is root, so the transport
   * must deliver only what other nodes of the cluster have sent, and must encrypt what leaves the machine.
   */
  transport?: () => RaftTransport;
  /**
   * Makes a new cluster with this node as its only member. The memories of an existing folder become those of the cluster. Exactly one
   * node of a cluster is opened with it. Default: false.
   */
  bootstrap?: boolean;
  /** Addresses of nodes of the cluster, as their `advertise` says. This node asks them in turn to be added. */
  join?: readonly string[];
  /**
   * What a new node becomes. A 'voter' counts for the majority that a write needs. A 'learner' receives all memories and takes calls, but
   * does not count. Default: 'voter'.
   */
  role?: 'voter' | 'learner';
  /**
   * Returns the key, the certificate and the authorities with which nodes prove to each other that they belong to the cluster. It is
   * called for each connection, so new certificates need no restart. Without it, all addresses must be loopback addresses, and `secret`
   * is required.
   */
  tls?: () => ClusterTls;
  /** A text of at least 16 characters that all nodes share. It replaces `tls` if all nodes run on one machine. */
  secret?: string;
  /**
   * How long a call waits for the cluster, in milliseconds. A write then fails with NO_QUORUM if nothing of it has left this node, and
   * otherwise with OUTCOME_UNKNOWN. `open` waits as long for the cluster to let a new node join. Default: 5,000.
   */
  waitMs?: number;
  /**
   * How much the clock of this node may differ from the middle clock of the members, in milliseconds. Beyond it, writes on this node are
   * refused with CLOCK_SKEWED, because their times would be wrong. From a second on the logger is warned. Default: 10,000.
   */
  maxClockSkewMs?: number;
  /**
   * How often this node makes a snapshot of its memories and drops the entries of the log before it, in milliseconds. The files of the node
   * hold a text that was forgotten for at most twice as long. Default: 3,600,000 (an hour).
   */
  snapshotEveryMs?: number;
}

/** `ClusterOptions` after parsing, with defaults filled in. */
export interface ClusterSettings {
  /** Undefined if the host has given a `transport`. */
  readonly listen: { readonly host: string; readonly port: number } | undefined;
  readonly advertise: string;
  readonly bootstrap: boolean;
  /** Empty if none were given. */
  readonly join: readonly string[];
  readonly role: 'voter' | 'learner';
  readonly tls: (() => ClusterTls) | undefined;
  readonly secret: string | undefined;
  /** Makes the transport of the host. Undefined for TCP. */
  readonly transport: (() => RaftTransport) | undefined;
  readonly waitMs: number;
  readonly maxClockSkewMs: number;
  readonly snapshotEveryMs: number;
}

const defaultWaitMs = 5_000;
const defaultMaxClockSkewMs = 10_000;
const defaultSnapshotEveryMs = 3_600_000;
const minSnapshotEveryMs = 1_000;
const minSecretLength = 16;
const maxSecretLength = 1_000;
const maxJoin = 100;
const maxPort = 65_535;
const maxAddressLength = 255;

const host = z.string({ error: expected('a host name or an IP address') }).check((ctx) => {
  if (!isHost(ctx.value)) addIssue(ctx, 'expected a host name or an IP address, got another string.', ctx.value);
});

// Over TCP an address must also be `host:port`: see `addTcpAddressIssues`.
const address = z.string({ error: expected('an address, such as "10.0.0.2:7411"') }).check((ctx) => {
  const { length } = ctx.value;
  if (length >= 1 && length <= maxAddressLength) return;
  addIssue(ctx, `expected an address of 1 to ${maxAddressLength} characters, got ${length}.`, ctx.value);
});

const secret = z.string({ error: expected('a string') }).check((ctx) => {
  const { length } = ctx.value;
  if (length >= minSecretLength && length <= maxSecretLength) return;
  addIssue(ctx, `expected ${minSecretLength} to ${maxSecretLength} characters, got ${length}.`, ctx.value);
});

const shape = fields({
  listen: fields({ host, port: integer(1, maxPort) }).optional(),
  advertise: address.optional(),
  bootstrap: flag.optional(),
  join: list(address, 'an array of addresses', [maxJoin, 'addresses']).optional(),
  role: oneOf(['voter', 'learner']).optional(),
  tls: callback<() => ClusterTls>().optional(),
  secret: secret.optional(),
  transport: callback<() => RaftTransport>().optional(),
  waitMs: integer(0).optional(),
  maxClockSkewMs: integer(1).optional(),
  snapshotEveryMs: integer(minSnapshotEveryMs).optional(),
});

/** Accepts `ClusterOptions` and converts them to `ClusterSettings`. */
export const clusterShape = z.unknown().transform((given, ctx): ClusterSettings => {
  const parsed = shape.safeParse(given);
  if (!parsed.success) {
    for (const issue of parsed.error.issues) ctx.issues.push({ ...issue, input: given } as never);
    return z.NEVER;
  }
  const { listen, advertise, bootstrap = false, join = [], role = 'voter', tls, secret: text, transport } = parsed.data;
  const settings = {
    listen,
    advertise: advertise ?? (listen === undefined ? '' : addressOf(listen.host, listen.port)),
    bootstrap,
    join,
    role,
    tls,
    secret: text,
    transport,
    waitMs: parsed.data.waitMs ?? defaultWaitMs,
    maxClockSkewMs: parsed.data.maxClockSkewMs ?? defaultMaxClockSkewMs,
    snapshotEveryMs: parsed.data.snapshotEveryMs ?? defaultSnapshotEveryMs,
  };
  addStartIssues(settings, parsed.data.join !== undefined, ctx);
  if (transport !== undefined) addTransportIssues(settings, ctx);
  else if (addTcpAddressIssues(settings, ctx)) addProofIssues(settings, ctx);
  return settings;
});

type Context = { issues: unknown[] };

function addStartIssues(settings: ClusterSettings, isJoinGiven: boolean, ctx: Context): void {
  const { bootstrap, join, role } = settings;
  if (bootstrap && isJoinGiven) {
    const message =
      'expected either `bootstrap` or `join`, got both. Only the first node of a cluster has `bootstrap`.';
    addIssue(ctx, message, settings, ['bootstrap']);
  }
  if (isJoinGiven && join.length === 0) addIssue(ctx, 'expected at least one address, got none.', join, ['join']);
  if (bootstrap && role === 'learner')
    addIssue(ctx, 'the first node of a cluster must be a voter, because nothing is written without voters.', role, [
      'role',
    ]);
}

/** Checks what a transport of the host's own cannot do without, and does not use. */
function addTransportIssues({ advertise, listen, tls, secret: text }: ClusterSettings, ctx: Context): void {
  if (advertise === '' || listen !== undefined)
    addIssue(ctx, 'with `transport`, expected the address of this node in `advertise`.', advertise, ['advertise']);
  for (const [name, value] of Object.entries({ listen, tls, secret: text }))
    if (value !== undefined)
      addIssue(ctx, `expected either \`transport\` or \`${name}\`, got both. The transport replaces it.`, value, [
        name,
      ]);
}

/** Checks the addresses of a node that uses TCP, and returns whether they can be used. */
function addTcpAddressIssues(settings: ClusterSettings, ctx: Context): boolean {
  const { listen, advertise, join } = settings;
  if (listen === undefined) {
    addIssue(
      ctx,
      'expected the address on which this node accepts connections, or a `transport`; got neither.',
      listen,
      ['listen'],
    );
    return false;
  }
  const named: [string, (string | number)[]][] = [
    [advertise, ['advertise']],
    ...join.map((each, i): [string, (string | number)[]] => [each, ['join', i]]),
  ];
  const wrong = named.filter(([text]) => addressParts(text) === undefined);
  for (const [text, path] of wrong)
    addIssue(ctx, 'expected an address, such as "10.0.0.2:7411" or "[fd00::2]:7411", got another string.', text, path);
  if (isWildcard(addressParts(advertise)?.host ?? ''))
    addIssue(
      ctx,
      `expected an address at which other nodes reach this one, got one that stands for all addresses of a machine (listen.host is ${listen.host}).`,
      advertise,
      ['advertise'],
    );
  return wrong.length === 0;
}

/** Checks that nodes prove to each other that they belong to the cluster, and that no memory crosses a network unencrypted. */
function addProofIssues(settings: ClusterSettings, ctx: Context): void {
  const { listen, advertise, join, tls, secret: text } = settings;
  if (tls !== undefined) {
    if (text !== undefined) addIssue(ctx, 'expected either `tls` or `secret`, got both.', text, ['secret']);
    return;
  }
  if (text === undefined)
    addIssue(
      ctx,
      `expected \`tls\`, or, if all nodes run on this machine, a \`secret\` of at least ${minSecretLength} characters; got neither.`,
      settings,
    );
  if (listen === undefined) return;
  const named: [string, (string | number)[]][] = [
    [listen.host, ['listen', 'host']],
    [addressParts(advertise)?.host ?? '', ['advertise']],
    ...join.map((each, i): [string, (string | number)[]] => [addressParts(each)?.host ?? '', ['join', i]]),
  ];
  // The default for `advertise` repeats `listen`, and one issue is enough.
  const given = advertise === addressOf(listen.host, listen.port) ? named.filter((_, i) => i !== 1) : named;
  for (const [name, path] of given)
    if (!isLoopback(name))
      addIssue(ctx, 'without `tls`, expected a loopback address, such as 127.0.0.1, got another address.', name, path);
}

function isWildcard(name: string): boolean {
  return name === '0.0.0.0' || name === '::';
}
