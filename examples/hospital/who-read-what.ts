import type { AuditEntry, Checkpoint, MemoryStore, Principal } from 'multi-agent-memory';
import { heading, pad, type Screen } from '../screen';
import type { Checks } from './checks';
import { people } from './rules';

/** The auditor's question, before and after the patient's notes are erased, and whether the record of it can be trusted. */
export async function showWhoReadWhat(
  screen: Screen,
  checks: Checks,
  store: MemoryStore,
  kept: () => readonly Checkpoint[],
) {
  heading(screen, 'Compliance asks: who saw what is known about patient 17?');
  const { audit } = store.as(people.adler);
  const reads = ['get', 'recall', 'list', 'history', 'watch'];
  const ask = async () => (await audit.query({ userId: 'patient-17', action: reads, order: 'oldest' })).items;
  const before = await ask();
  for (const entry of before) screen.print(`  ${lineOf(entry)}`);
  checks.that(
    before.length > 0 && before.every(({ memories }) => memories.length > 0),
    'Who, when, and which notes. The record holds no text of any note, and no question.',
  );
  checks.that((await store.as(people.adler).count()) === 0, 'The auditor herself reads no note.');

  const { forgotten } = await store.admin.forgetWhere({ userId: 'patient-17' }, { dryRun: false });
  checks.that(
    (await ask()).length === before.length,
    `Patient 17 is erased (${forgotten} notes): the answer stays the same.`,
  );

  heading(screen, 'Can this record be trusted?');
  await store.audit.checkpoint();
  const trusted = await store.audit.verify({ head: kept() });
  checks.that(
    trusted.ok && trusted.anchored,
    'Nothing was changed, left out or put in since the host last wrote the heads down.',
  );
}

function lineOf({ at, by, action, decision, memories }: AuditEntry): string {
  const count = `${memories.length} ${memories.length === 1 ? 'note' : 'notes'}`;
  const seen = decision === 'allowed' ? `saw ${count}` : `asked for ${count}, and saw nothing`;
  return `${at.toISOString().slice(11, 19)}  ${pad(nameOf(by), 28)}${pad(seen, 34)}by ${action}`;
}

function nameOf(by: Principal | undefined): string {
  if (by === undefined) return '(erased)';
  const own = 'agentId' in by ? by.agentId : 'userId' in by ? by.userId : by.serviceId;
  return by.onBehalfOf === undefined ? own : `${own} for ${by.onBehalfOf.userId}`;
}
