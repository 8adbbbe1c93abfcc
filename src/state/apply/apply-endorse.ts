import { mayIn } from '../../access/authorise';
import { forbiddenByTrust } from '../../access/denials';
import type { ChangeOf, Stamp } from '../../domain/command';
import { invalidInput, MemoryError } from '../../domain/errors';
import { assertRevision } from '../../domain/memory';
import { showNamespace } from '../../domain/namespace';
import { trustLevelOf, trustOfLevel } from '../../domain/trust';
import type { MemoryRow } from '../tables/memory-row';
import type { ApplyContext } from './apply-context';
import { isMoreTrusted, loadVisible } from './apply-update';
import { revise } from './revise';

/**
 * Keeps the statement of an actor that the content of a memory may be relied on, and makes a new revision. The statement counts as much as
 * the ceiling of the actor at each moment, until the content changes.
 */
export function applyEndorse(context: ApplyContext, command: ChangeOf<'endorse'>, stamp: Stamp): MemoryRow {
  const { id, as, ifRevision } = command;
  const { by: actor, at } = stamp;
  const { policy, interning } = context;
  const record = loadVisible(context, context.records.unchecked(id), id, stamp);
  const { namespace } = interning.labelSet(record.label_set);
  if (!mayIn(policy, actor, 'endorse', namespace)) {
    const message = `Not allowed to endorse ${id}: requires \`endorse\` in ${showNamespace(namespace)} and no deny rule.`;
    throw new MemoryError('FORBIDDEN', message);
  }
  if (isMoreTrusted(context, record, actor)) throw forbiddenByTrust(id, 'endorse', namespace);
  const level = trustLevelOf(as);
  const ceiling = policy.ceilingOf(actor, namespace);
  if (level > ceiling) {
    const message = `Not allowed to endorse ${id} as '${as}': the ceiling of this principal in ${showNamespace(namespace)} is '${trustOfLevel(ceiling)}', and nobody endorses above its own ceiling.`;
    throw new MemoryError('FORBIDDEN', message);
  }
  assertRevision(record, ifRevision);
  if (record.state === 'quarantined') {
    throw notEndorsable(
      `expected a memory that no incident holds, got ${id}, which is in quarantine. Release it first`,
    );
  }
  const by = interning.internActor(actor);
  const revision = record.revision + 1;
  context.endorsements.put({ row: record.row, actor: by, trust: level, revision, at });
  if (context.trustOf({ ...record, revision }) < level) {
    const what = `${id} was made from memories that are less trusted than '${as}'`;
    throw notEndorsable(`expected a memory whose sources are as trusted, but ${what}. Endorse its sources first`);
  }
  return revise(context, record, { columns: {}, at, by });
}

function notEndorsable(message: string): MemoryError {
  return invalidInput([{ path: ['id'], message: `${message}.` }], 'endorse');
}
