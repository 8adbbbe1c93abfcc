import { ChangesAudit } from '../../src/state/apply/apply-audit';
import { openShared } from '../../src/store/composition/shared-engines';
import { parseOptions } from '../../src/store/open-options';

const without = new WeakSet<ChangesAudit['trail']>();
const record = ChangesAudit.prototype.record;

ChangesAudit.prototype.record = function (this: ChangesAudit, ...change: Parameters<typeof record>) {
  if (!without.has(this.trail)) record.apply(this, change);
};

/**
 * Makes an open store write its changes without their audit until it is closed. The library has no such option: this replaces the one
 * call that `apply` makes for the audit.
 */
export async function withoutAuditOfChanges(folder: string): Promise<void> {
  // The engine of the open store, since a process opens a folder only once.
  const { engine, release } = await openShared(folder, parseOptions({}));
  without.add(engine.state.auditLog);
  await release();
}
