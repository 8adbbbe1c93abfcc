import { beginLeases } from './barriers';
import type { Consensus } from './consensus';
import { releaseEarlyReads } from './leader-reads';
import { settleBarriers } from './read-leases';
import { advanceCommit, broadcastAppend } from './replication';

/** Commits what the members have acknowledged, and tells them. True if that was news. */
export function commitAcknowledged(node: Consensus): boolean {
  if (!advanceCommit(node)) return false;
  releaseEarlyReads(node);
  beginLeases(node);
  settleBarriers(node);
  broadcastAppend(node);
  return true;
}
