import type { KeyObject } from 'node:crypto';
import { invalidInput, type MemoryError } from '../domain/errors';
import { whileBusy } from '../environment/while-busy';
import type { Audit } from './audit';
import { type AuditChainName, auditChainNames } from './chain-entry';
import { type Checkpoint, headOfCheckpoint } from './checkpoint';
import { type ChainVerification, compareHeads, type ExpectedHead } from './compare-heads';
import { walkChain } from './walk-chain';

/** What `verify` found in both chains. */
export interface AuditVerification {
  /** True if the entries of both chains, and the stored checkpoints and roots, are intact. */
  ok: boolean;
  /**
   * True if a head of each chain was passed to `verify` and compared. Without heads, an attacker who can write the files can rewrite
   * the chains unnoticed.
   */
  anchored: boolean;
  chains: (ChainVerification & { chain: AuditChainName })[];
}

export interface VerificationOptions {
  readonly heads: readonly Checkpoint[];
  readonly publicKey: KeyObject | undefined;
  /** Called between batches. Waits for a later turn of the event loop; rejects to end the verification. */
  betweenBatches(chain: AuditChainName, done: number, total: number): Promise<void>;
}

/**
 * Computes the hashes and roots of both chains from their entries. Compares them with the stored ones and with the given heads.
 *
 * @throws INVALID_INPUT for a head that is not a checkpoint of this store, or is not signed with the key
 */
export async function verifyAudit(audit: Audit, options: VerificationOptions): Promise<AuditVerification> {
  const { heads, publicKey, betweenBatches } = options;
  await whileBusy(() => audit.synchronize());
  const given = heads.map((head) => {
    const expected = { chain: head.chain, ...headOfCheckpoint(head, publicKey), source: 'given' as const };
    if (head.origin !== audit.originOf(head.chain)) throw otherStore(head, audit.originOf(head.chain));
    return expected;
  });
  const chains: AuditVerification['chains'] = [];
  for (const chain of auditChainNames) {
    const stored = audit.checkpoints.storedHeads(chain, publicKey);
    const expected: ExpectedHead[] = [...given.filter((head) => head.chain === chain), ...stored];
    const source = audit.logs[chain].chain;
    const total = source.size;
    const walk = await walkChain(source, {
      sizes: new Set(expected.map(({ size }) => size)),
      betweenBatches: (done) => betweenBatches(chain, done, total),
    });
    chains.push({ chain, ...compareHeads(walk, expected) });
  }
  return {
    ok: chains.every(({ status, message }) => status === 'intact' && message === undefined),
    anchored: chains.every(({ covered }) => covered !== undefined),
    chains,
  };
}

function otherStore({ origin }: Checkpoint, own: string): MemoryError {
  const message = `expected a checkpoint of this store, whose origin is ${own}, got one of another store, whose origin is ${origin}.`;
  return invalidInput([{ path: ['head'], message }], 'checkpoint');
}
