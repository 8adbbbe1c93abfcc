import type { Namespace } from '../domain/namespace';
import type { ParsedSelection } from '../domain/parse/parse-selection';
import { narrow, nothing } from '../domain/scope';
import type { ReadContext, Reader } from './read-context';
import type { Selecting } from './visible';

/** Compiles a selection for a reader. Undefined where the two exclude each other: nothing can be found. */
export function selecting(context: ReadContext, reader: Reader, selection: ParsedSelection): Selecting | undefined {
  const scope = narrow(reader.bound, selection.scope);
  if (scope === nothing) return undefined;
  const { policy, interning } = context.truth;
  const readableIn = (namespace: Namespace = []) => reader.readables.of(reader.actor, namespace).get(policy, interning);
  return {
    readable: readableIn(scope.namespace),
    selected: { ...selection, scope, known: { readable: readableIn(reader.bound.namespace), scope: reader.bound } },
    now: context.clock.now(),
  };
}
