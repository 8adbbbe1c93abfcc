import { ok } from 'node:assert/strict';
import type { Action } from 'multi-agent-memory';
import { Cedar } from './cedar';
import type { Labels, Reference, Who } from './reference';
import { tags } from './vocabulary';

/** A question with the answer yes or no: may an actor take an action on a memory, or in a namespace? */
export interface Decision {
  readonly who: Who;
  readonly action: Action;
  readonly at: Labels | readonly string[];
}

export function answered(reference: Reference, { who, action, at }: Decision): boolean {
  return 'author' in at ? reference.mayTo(who, action, at) : reference.may(who, action, at);
}

/** Makes the questions for both evaluators: about each memory for each reader, and about reading, writing and administering namespaces. */
export function decisionsOf(readers: readonly Who[], memories: readonly Labels[]): Decision[] {
  return readers.flatMap((who) => {
    const ofMemories = memories.flatMap((at, i): Decision[] => {
      const actions: Action[] = i % 3 === 0 ? ['read', 'update', 'forget', 'share'] : ['read', 'update', 'forget'];
      return actions.map((action) => ({ who, action, at }));
    });
    const places = [...new Map(memories.map(({ namespace }) => [JSON.stringify(namespace), namespace])).values()];
    const ofPlaces = places
      .slice(0, 3)
      .flatMap((at): Decision[] => (['read', 'write', 'administer'] as const).map((action) => ({ who, action, at })));
    return [...ofMemories, ...ofPlaces];
  });
}

/** Checks that Cedar makes the same decisions as the reference. Returns the number of requests to Cedar. */
export function compareWithCedar(reference: Reference, decisions: readonly Decision[]): number {
  const cedar = new Cedar(reference.declarations, tags);
  for (const { who, action, at } of decisions) {
    const second = 'author' in at ? cedar.mayTo(who, action, at) : cedar.may(who, action, at);
    const first = answered(reference, { who, action, at });
    ok(first === second, `Cedar says ${second} to ${JSON.stringify({ who, action, at })}`);
    if (action !== 'read' || !('author' in at)) continue;
    for (const key of [undefined, 'k']) {
      const stored = cedar.mayRemember(who, at, key);
      const what = `Cedar says ${stored} to storing ${JSON.stringify({ who, at, key })}`;
      ok(stored === reference.mayRemember(who, at, key), what);
    }
  }
  return cedar.requests;
}
