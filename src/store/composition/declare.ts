import type { Declaration } from '../../domain/declaration';
import { invalidInput } from '../../domain/errors';
import { declareAtOpen, differsFrom } from '../../write/declare';
import type { Engine } from './engine';

/** Declares the rules that `open` was given, as a command, if they differ from those of the `open` before. */
export async function declareRules(engine: Engine, declarations: readonly Declaration[]): Promise<void> {
  const { environment, state } = engine;
  if (!differsFrom(state.policy, declarations)) return;
  if (engine.readOnly) {
    const message = 'differs from the rules in force, and a store opened with readOnly cannot change them.';
    throw invalidInput([{ path: ['access'], message }], 'options');
  }
  await declareAtOpen(engine.writing(), declarations, environment);
}
