import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import { addressOf, addressParts, isHost, isLoopback } from '../domain/node-address';
import { addIssue, callback, expected, fields, flag, integer, list, oneOf } from '../domain/parse/shapes';

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
  /** The address on which this node accepts connections from the other nodes. */
  listen: { host: string; port: number };
  /** The address at which the other nodes reach this node, as `host:port`. Default: the address of `listen`. */
  advertise?: string;
  /**
   * Makes a new cluster with this node as its only member. The memories of an existing folder become those of the cluster. Exactly one
   * node of a cluster is opened with it. Default: false.
   */
  bootstrap?: boolean;
  /** Addresses of nodes of the cluster, as `host:port`. This node asks them in turn to be added. */
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
}

/** `ClusterOptions` after parsing, with defaults filled in. */
export interface ClusterSettings {
  readonly listen: { readonly host: string; readonly port: number };
  readonly advertise: string;
  readonly bootstrap: boolean;
  /** Empty if none were given. */
  readonly join: readonly string[];
  readonly role: 'voter' | 'learner';
  readonly tls: (() => ClusterTls) | undefined;
  readonly secret: string | undefined;
  readonly waitMs: number;
}

const defaultWaitMs = 5_000;
const minSecretLength = 16;
const maxSecretLength = 1_000;
const maxJoin = 100;
const maxPort = 65_535;

const host = z.string({ error: expected('a host name or an IP address') }).check((ctx) => {
  if (!isHost(ctx.value)) addIssue(ctx, 'expected a host name or an IP address, got another string.', ctx.value);
});

const address = z.string({ error: expected('an address, such as "10.0.0.2:7411"') }).check((ctx) => {
  if (addressParts(ctx.value) === undefined)
    addIssue(ctx, 'expected an address, such as "10.0.0.2:7411" or "[fd00::2]:7411", got another string.', ctx.value);
});

const secret = z.string({ error: expected('a string') }).check((ctx) => {
  const { length } = ctx.value;
  if (length >= minSecretLength && length <= maxSecretLength) return;
  addIssue(ctx, `expected ${minSecretLength} to ${maxSecretLength} characters, got ${length}.`, ctx.value);
});

const shape = fields({
  listen: fields({ host, port: integer(1, maxPort) }),
  advertise: address.optional(),
  bootstrap: flag.optional(),
  join: list(address, 'an array of addresses', [maxJoin, 'addresses']).optional(),
  role: oneOf(['voter', 'learner']).optional(),
  tls: callback<() => ClusterTls>().optional(),
  secret: secret.optional(),
  waitMs: integer(0).optional(),
});

/** Accepts `ClusterOptions` and converts them to `ClusterSettings`. */
export const clusterShape = z.unknown().transform((given, ctx): ClusterSettings => {
  const parsed = shape.safeParse(given);
  if (!parsed.success) {
    for (const issue of parsed.error.issues) ctx.issues.push({ ...issue, input: given } as never);
    return z.NEVER;
  }
  const { listen, advertise, bootstrap = false, join = [], role = 'voter', tls, secret: text, waitMs } = parsed.data;
  const settings = {
    listen,
    advertise: advertise ?? addressOf(listen.host, listen.port),
    bootstrap,
    join,
    role,
    tls,
    secret: text,
    waitMs: waitMs ?? defaultWaitMs,
  };
  addStartIssues(settings, parsed.data.join !== undefined, ctx);
  addProofIssues(settings, ctx);
  return settings;
});

type Context = { issues: unknown[] };

function addStartIssues(settings: ClusterSettings, isJoinGiven: boolean, ctx: Context): void {
  const { bootstrap, join, role, listen, advertise } = settings;
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
  if (isWildcard(addressParts(advertise)?.host ?? ''))
    addIssue(
      ctx,
      `expected an address at which other nodes reach this one, got one that stands for all addresses of a machine (listen.host is ${listen.host}).`,
      advertise,
      ['advertise'],
    );
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
