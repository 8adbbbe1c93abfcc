import type { KeyObject } from 'node:crypto';
import { invalidInput, type MemoryError } from '../domain/errors';
import type { Audit } from './audit';
import { type AuditChainName, auditChainNames } from './chain-entry';
import { type Checkpoint, trusted } from './checkpoint';
import { type ChainVerification, compareHeads } from './compare-heads';
import { type Anchor, walkChain } from './verify';

/** What `verify` says of both chains. */
export interface AuditVerification {
  /** True where both chains are intact, and so are the checkpoints stored beside them. */
  ok: boolean;
  /** Whether heads of both chains were given: without, whoever can write the files can rewrite them. */
  anchored: boolean;
  chains: (ChainVerification & { chain: AuditChainName })[];
}

export interface VerificationOptions {
  readonly heads: readonly Checkpoint[];
  readonly publicKey: KeyObject | undefined;
  /** Awaited between parts: a later turn of the event loop. Throws where the verification should end. */
  betweenParts(chain: AuditChainName, done: number, total: number): Promise<void>;
}

/**
 * Computes both chains anew, and compares them with what is stored and with the heads that were given.
 *
 * @throws INVALID_INPUT for a head that is no checkpoint of this store, or not signed with the key.
 */
export async function verifyAudit(audit: Audit, options: VerificationOptions): Promise<AuditVerification> {
  const { heads, publicKey, betweenParts } = options;
  audit.settle();
  const given = heads.map((head) => {
    const anchor = { chain: head.chain, ...trusted(head, publicKey), from: 'given' as const };
    if (head.origin !== audit.originOf(head.chain)) throw foreign(head, audit.originOf(head.chain));
    return anchor;
  });
  const found: AuditVerification['chains'] = [];
  for (const chain of auditChainNames) {
    const stored = audit.checkpoints.stored(chain, publicKey);
    const anchors: Anchor[] = [...given.filter((head) => head.chain === chain), ...stored];
    const source = audit.trails[chain].chain;
    const total = source.size;
    const walked = await walkChain(source, {
      sizes: new Set(anchors.map(({ size }) => size)),
      betweenParts: (done) => betweenParts(chain, done, total),
    });
    found.push({ chain, ...compareHeads(walked, anchors) });
  }
  return {
    ok: found.every(({ status, message }) => status === 'intact' && message === undefined),
    anchored: found.every(({ covered }) => covered !== undefined),
    chains: found,
  };
}

function foreign({ origin }: Checkpoint, own: string): MemoryError {
  const message = `is of another store: its origin is ${origin}, and here it is ${own}.`;
  return invalidInput([{ path: ['head'], message }], 'The checkpoint');
}
