import type { AuditEntry, Checkpoint, MemoryStore, Principal } from 'multi-agent-memory';
import { heading, pad, type Screen } from '../screen';
import type { Checks } from './checks';
import { people } from './rules';

/** Queries the audit log before and after a patient's notes are deleted, and verifies the log. */
export async function reviewAudit(
  screen: Screen,
  checks: Checks,
  store: MemoryStore,
  checkpoints: () => readonly Checkpoint[],
) {
  heading(screen, 'Compliance asks: who has read notes about patient 17?');
  const { audit } = store.as(people.adler);
  const reads = ['get', 'recall', 'list', 'history', 'watch'];
  const readEntries = async () => (await audit.query({ userId: 'patient-17', action: reads, order: 'oldest' })).items;
  const before = await readEntries();
  for (const entry of before) screen.print(`  ${lineOf(entry)}`);
  checks.check(
    before.length > 0 && before.every(({ memories }) => memories.length > 0),
    'The log shows who read which notes, and when. It has no note texts and no queries.',
  );
  checks.check((await store.as(people.adler).count()) === 0, 'The auditor herself cannot read any note.');

  const { forgotten } = await store.admin.forgetWhere({ userId: 'patient-17' }, { dryRun: false });
  checks.check(
    (await readEntries()).length === before.length,
    `The notes about patient 17 are deleted (${forgotten}). The audit log stays complete.`,
  );

  heading(screen, 'Was the audit log changed?');
  await store.audit.checkpoint();
  const trusted = await store.audit.verify({ head: checkpoints() });
  checks.check(
    trusted.ok && trusted.anchored,
    'No: nothing was changed, removed or added since the last checkpoint that the host has kept.',
  );
}

function lineOf({ at, by, action, decision, memories }: AuditEntry): string {
  const count = `${memories.length} ${memories.length === 1 ? 'note' : 'notes'}`;
  const result = decision === 'allowed' ? `read ${count}` : `requested ${count}, denied`;
  return `${at.toISOString().slice(11, 19)}  ${pad(nameOf(by), 28)}${pad(result, 34)}by ${action}`;
}

function nameOf(by: Principal | undefined): string {
  if (by === undefined) return '(erased)';
  const own = 'agentId' in by ? by.agentId : 'userId' in by ? by.userId : by.serviceId;
  return by.onBehalfOf === undefined ? own : `${own} for ${by.onBehalfOf.userId}`;
}
