import type { Readable } from '../access/compile';
import { contains } from '../domain/namespace';
import type { ParsedSelection } from '../domain/parse/parse-selection';
import { narrow, nothing } from '../domain/scope';
import type { ReadContext, Reader } from './read-context';
import type { Selecting } from './visible';

/** Compiles a selection for a reader. Undefined where the two exclude each other: nothing can be found. */
export function selecting(context: ReadContext, reader: Reader, selection: ParsedSelection): Selecting | undefined {
  const scope = narrow(reader.bound, selection.scope);
  if (scope === nothing) return undefined;
  const { policy, interning } = context.truth;
  const readable = reader.readables.get(policy, interning);
  const { namespace } = scope;
  const narrower = namespace !== undefined && namespace.length > (reader.bound.namespace?.length ?? 0);
  return {
    readable: narrower ? within(readable, (id) => contains(namespace, interning.scope(id).namespace)) : readable,
    selected: { ...selection, scope, known: { readable, scope: reader.bound } },
    now: context.clock.now(),
  };
}

function within(readable: Readable, holds: (scope: number) => boolean): Readable {
  const scopes = readable.scopes.filter(holds);
  const mask = new Uint8Array(readable.mask.length);
  for (const id of scopes) mask[id] = 1;
  return { ...readable, scopes, mask };
}
