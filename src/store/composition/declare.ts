import type { Declaration } from '../../domain/declaration';
import { invalidInput } from '../../domain/errors';
import { root } from '../../domain/principal';
import { differ } from '../../state/apply/apply-declaration';
import { propose } from '../../write/propose';
import { newRuleId } from '../../write/rule-id';
import { stampOf } from '../../write/stamp';
import type { Engine } from './engine';

/** A backup that is opened for the first time says so in its audit. */
export async function declareRestored(engine: Engine): Promise<void> {
  const context = engine.writing();
  await propose(context, { type: 'epoch', stamp: stampOf(context, { actor: root, scope: {} }) });
}

/** Declares what `open` was given, as a command like any other, where it differs from what was declared before. */
export async function declareRules(engine: Engine, declarations: readonly Declaration[]): Promise<void> {
  const { environment, state } = engine;
  if (!differ(state, declarations)) return;
  if (engine.readOnly) {
    const issues = [
      { path: ['access'], message: 'differs from what is in force: a store that is only read cannot change it.' },
    ];
    throw invalidInput(issues, 'The options');
  }
  const context = engine.writing();
  const at = environment.clock.now();
  const named = declarations.map((declaration) => ({ id: newRuleId(environment, at, declaration), declaration }));
  const stamp = stampOf(context, { actor: root, scope: {} }, at);
  await propose(context, { type: 'declare', declarations: named, stamp });
}
