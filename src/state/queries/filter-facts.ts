import type { FilterNode } from '../../domain/filter';
import { type MetadataTest, metadataTest } from './metadata-filter';
import { substringTest } from './substring';

/** Decides whether a text matches a filter on the text alone. */
export type TextTest = (text: string) => boolean;

/** One part of a filter whose result depends on nothing but one memory. SQLite evaluates parts about the fields of its record. */
export type FilterPart =
  | { readonly about: 'text'; readonly node: FilterNode; readonly test: TextTest }
  | { readonly about: 'metadata'; readonly node: FilterNode; readonly test: MetadataTest }
  | { readonly about: 'fields'; readonly node: FilterNode };

// Each part takes a byte for each row. A usual filter has one or two. Conditions on the text are never left out; a filter has at most 8.
const maxOtherParts = 8;
const [unknown, doesNotHold, holds] = [0, 1, 2];

/**
 * Results of the parts of a filter, gathered over several turns of the event loop before a query needs them. A result belongs to one
 * change of one memory, so that it never becomes wrong; for a memory that has changed since, SQLite evaluates the filter itself.
 */
export class FilterFacts {
  readonly parts: readonly FilterPart[];
  /** The number of conditions in the filter. */
  readonly conditions: number;
  readonly #filter: FilterNode;
  readonly #indexes: ReadonlyMap<FilterNode, number>;
  #changeSeqs: Float64Array;
  #results: Uint8Array;

  constructor(filter: FilterNode, lastRow: number) {
    this.#filter = filter;
    const parts = partsOf(filter);
    const others = parts.filter(({ about }) => about !== 'text').slice(0, maxOtherParts);
    this.parts = [...parts.filter(({ about }) => about === 'text'), ...others];
    this.conditions = countConditions(filter);
    this.#indexes = new Map(this.parts.map(({ node }, i) => [node, i]));
    this.#changeSeqs = new Float64Array(lastRow + 1);
    this.#results = new Uint8Array((lastRow + 1) * this.parts.length);
  }

  /** The number of the part that a node of the filter is. */
  indexOf(node: FilterNode): number | undefined {
    return this.#indexes.get(node);
  }

  /** Keeps the result of each part for one change of a memory. */
  keep(row: number, changeSeq: number, results: readonly boolean[]): void {
    this.#grow(row);
    this.#changeSeqs[row] = changeSeq;
    const start = row * this.parts.length;
    for (const [i, result] of results.entries()) this.#results[start + i] = result ? holds : doesNotHold;
  }

  /** 1 or 0 if the result is known, else null. */
  resultOf(part: number, row: number, changeSeq: number): 0 | 1 | null {
    if (this.#changeSeqs[row] !== changeSeq) return null;
    const result = this.#results[row * this.parts.length + part];
    return result === unknown ? null : result === holds ? 1 : 0;
  }

  /** Whether the whole filter matches, if the results of some parts decide this. */
  decidedBy(results: readonly (boolean | undefined)[]): boolean | undefined {
    return decided(this.#filter, this.#indexes, results);
  }

  #grow(row: number): void {
    if (row < this.#changeSeqs.length) return;
    const rows = Math.max(row + 1, Math.ceil(this.#changeSeqs.length * 1.25));
    const [changeSeqs, results] = [new Float64Array(rows), new Uint8Array(rows * this.parts.length)];
    changeSeqs.set(this.#changeSeqs);
    results.set(this.#results);
    [this.#changeSeqs, this.#results] = [changeSeqs, results];
  }
}

/** Evaluates a filter of which only some parts are known. */
function decided(
  node: FilterNode,
  parts: ReadonlyMap<FilterNode, number>,
  results: readonly (boolean | undefined)[],
): boolean | undefined {
  const part = parts.get(node);
  if (part !== undefined) return results[part];
  if (node.op === 'not') {
    const inner = decided(node.node, parts, results);
    return inner === undefined ? undefined : !inner;
  }
  if (node.op !== 'and' && node.op !== 'or') return undefined;
  const deciding = node.op === 'or';
  let isKnown = true;
  for (const each of node.nodes) {
    const inner = decided(each, parts, results);
    if (inner === deciding) return deciding;
    isKnown &&= inner !== undefined;
  }
  return isKnown ? !deciding : undefined;
}

/**
 * The conditions on the text, and the largest parts of a filter that are about metadata alone or about fields of the record alone. Each
 * condition on the text is a part, because searching a long text takes a turn of the event loop for each.
 */
function partsOf(node: FilterNode): FilterPart[] {
  if (node.op === 'text') return [{ about: 'text', node, test: substringTest(node.contains) }];
  const [kind, ...others] = kindsOf(node);
  if (others.length === 0) {
    if (kind === 'metadata') return [{ about: kind, node, test: metadataTest(node) }];
    if (kind === 'fields') return [{ about: kind, node }];
  }
  if (node.op === 'not') return partsOf(node.node);
  return node.op === 'and' || node.op === 'or' ? node.nodes.flatMap(partsOf) : [];
}

type Kind = FilterPart['about'] | 'links';

function kindsOf(node: FilterNode): Set<Kind> {
  switch (node.op) {
    case 'and':
    case 'or':
      return new Set(node.nodes.flatMap((each) => [...kindsOf(each)]));
    case 'not':
      return kindsOf(node.node);
    case 'compare':
      return new Set([kindOf(node.field)]);
    case 'text':
      return new Set(['text']);
    case 'namespace':
      return new Set(['fields']);
  }
}

function kindOf(field: Extract<FilterNode, { op: 'compare' }>['field']): Kind {
  if (!('name' in field)) return 'metadata';
  // What a reader may see of a link depends on the rules, and on the memory at its other end.
  return field.name === 'supersedes' || field.name === 'supersededBy' ? 'links' : 'fields';
}

function countConditions(node: FilterNode): number {
  switch (node.op) {
    case 'and':
    case 'or':
      return node.nodes.reduce((sum, each) => sum + countConditions(each), 0);
    case 'not':
      return countConditions(node.node);
    case 'compare':
      return Math.max(1, node.operands.length / 100);
    case 'text':
      return 1;
    case 'namespace':
      return Math.max(1, node.namespaces.length / 100);
  }
}
