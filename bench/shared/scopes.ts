import { type Clearance, clear, type NewMemory, type Subject } from 'multi-agent-memory';
import { memoryOf, type Ticket } from './corpus';
import type { Vectors } from './vectors';

/** How many namespaces lie in each: 10 tenants of 10 teams of 10 projects. Memories are in projects alone. */
export const breadth = 10;

/** How many scopes that makes: each project has memories with each of these access tags. */
export const scopes = 5_000;

// Has no factor in common with the number of scopes, so that a small store lies all over them.
const spread = 1_231;
const tags = ['personal', 'finance', 'legal'] as const;
const tagsOf = [[], ['personal'], ['finance'], ['legal'], ['personal', 'finance']] as const;

/** A tenth of all memories, a hundredth or a thousandth: a tenant, a team or a project, told by as many digits. */
export function placeOf(...digits: readonly number[]): string[] {
  return digits.map((digit, depth) => `${['tenant', 'team', 'project'][depth]}-${digit}`);
}

/** The project and the access tags of a memory: every scope has as many memories, and of as many topics. */
export function scopeOf(ticket: number): { namespace: string[]; accessTags: string[] } {
  const scope = (ticket * spread) % scopes;
  const project = Math.floor(scope / tagsOf.length);
  return {
    namespace: placeOf(Math.floor(project / breadth ** 2), Math.floor(project / breadth) % breadth, project % breadth),
    accessTags: [...(tagsOf[scope % tagsOf.length] ?? [])],
  };
}

/** A memory in one of the scopes. */
export function scopedMemoryOf(vectors: Vectors, ticket: number): NewMemory<Ticket> & { vector: Float32Array } {
  return { ...memoryOf(vectors, ticket), ...scopeOf(ticket) };
}

/** Clears somebody for every access tag. */
export function clearedForAll(subject: Subject): Clearance[] {
  return tags.map((tag) => clear(subject, tag, []));
}

/** One of the access tags. */
export function tagAt(number: number): string {
  return tags[number % tags.length] as string;
}
