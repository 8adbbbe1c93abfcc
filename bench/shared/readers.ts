import { allow, type Declaration } from 'multi-agent-memory';
import { breadth, clearedForAll, placeOf, scopeOf } from './scopes';

/** A reader that sees a share of the memories: the same share of every topic. */
export interface Reader {
  readonly sees: string;
  readonly places: readonly (readonly string[])[];
  /** Whether it sees memories with access tags. A fifth of the memories have none. */
  readonly isCleared: boolean;
}

const half = Array.from({ length: breadth / 2 }, (_, tenant) => placeOf(tenant));

/** Readers of different shares. */
export const readers: readonly Reader[] = [
  { sees: '0.02 %', places: [placeOf(0, 0, 0)], isCleared: false },
  { sees: '0.1 %', places: [placeOf(0, 0, 0)], isCleared: true },
  { sees: '1 %', places: [placeOf(0, 0)], isCleared: true },
  { sees: '10 %', places: [placeOf(0)], isCleared: true },
  { sees: '50 %', places: half, isCleared: true },
];

/** A reader of all memories. */
export const everything = { agentId: 'sees everything' };

/** The rules of all these readers. The agent of a reader is named by its share. */
export const readerRules: readonly Declaration[] = [
  ...clearedForAll(everything),
  allow(everything, 'reader', []),
  ...readers.flatMap(({ sees: agentId, places, isCleared }) => [
    ...(isCleared ? clearedForAll({ agentId }) : []),
    ...places.map((place) => allow({ agentId }, 'reader', place)),
  ]),
];

/** The numbers of the memories that a reader sees. */
export function visibleTo({ places, isCleared }: Reader, memories: number): number[] {
  const tickets = Array.from({ length: memories }, (_, ticket) => ticket);
  return tickets.filter((ticket) => {
    const { namespace, accessTags } = scopeOf(ticket);
    const isIn = places.some((place) => place.every((label, depth) => namespace[depth] === label));
    return isIn && (isCleared || accessTags.length === 0);
  });
}
