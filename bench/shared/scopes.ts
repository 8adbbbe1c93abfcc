import { type Clearance, clear, type NewMemory, type Subject } from 'multi-agent-memory';
import { memoryOf, type Ticket } from './corpus';
import type { Vectors } from './vectors';

/** The number of namespaces inside each: 10 tenants with 10 teams with 10 projects. Only projects contain memories. */
export const breadth = 10;

/** The number of label sets: each project has memories with each of these access tags. */
export const scopes = 5_000;

// It has no factor in common with the number of label sets, so that a small store covers all of them evenly.
const spread = 1_231;
const tags = ['personal', 'finance', 'legal'] as const;
const tagsOf = [[], ['personal'], ['finance'], ['legal'], ['personal', 'finance']] as const;

/** The namespace of a tenant, a team or a project, given by one, two or three digits. It contains a tenth, a hundredth or a thousandth of all memories. */
export function placeOf(...digits: readonly number[]): string[] {
  return digits.map((digit, depth) => `${['tenant', 'team', 'project'][depth]}-${digit}`);
}

/** The project and the access tags of a memory. All label sets have the same number of memories and topics. */
export function scopeOf(ticket: number): { namespace: string[]; accessTags: string[] } {
  const scope = (ticket * spread) % scopes;
  const project = Math.floor(scope / tagsOf.length);
  return {
    namespace: placeOf(Math.floor(project / breadth ** 2), Math.floor(project / breadth) % breadth, project % breadth),
    accessTags: [...(tagsOf[scope % tagsOf.length] ?? [])],
  };
}

/** The number of the set of access tags of a memory, from 0 (no tags) to 4. */
export function tagSetOf(ticket: number): number {
  return ((ticket * spread) % scopes) % tagsOf.length;
}

/** A memory with one of the label sets. */
export function scopedMemoryOf(vectors: Vectors, ticket: number): NewMemory<Ticket> & { vector: Float32Array } {
  return { ...memoryOf(vectors, ticket), ...scopeOf(ticket) };
}

/** Clearances for every access tag. */
export function clearedForAll(subject: Subject): Clearance[] {
  return tags.map((tag) => clear(subject, tag, []));
}

/** One of the access tags. */
export function tagAt(number: number): string {
  return tags[number % tags.length] as string;
}
