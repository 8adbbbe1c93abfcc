import type { Namespace } from '../domain/namespace';
import type { ParsedSelection } from '../domain/parse/parse-selection';
import { emptyScope, narrowScope } from '../domain/scope';
import type { ReadContext, Reader } from './read-context';
import type { CompiledSelection } from './visible';

/** Compiles a selection for a reader. Undefined where the two exclude each other: nothing can be found. */
export function compileSelection(
  context: ReadContext,
  reader: Reader,
  selection: ParsedSelection,
): CompiledSelection | undefined {
  const scope = narrowScope(reader.scope, selection.scope);
  if (scope === emptyScope) return undefined;
  const { policy, interning } = context.state;
  const readableIn = (namespace: Namespace = []) => reader.readables.of(reader.actor, namespace).get(policy, interning);
  return {
    readable: readableIn(scope.namespace),
    selected: { ...selection, scope, known: { readable: readableIn(reader.scope.namespace), scope: reader.scope } },
    now: context.clock.now(),
  };
}
