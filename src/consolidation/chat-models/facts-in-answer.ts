import { isPlainObject } from '../../domain/realms';
import type { FactDraft } from '../summarizer';

/**
 * Reads the facts of an answer. What is no fact with a text and numbers of sources is left out; an answer that is not JSON gives no facts.
 * Models put JSON in a fence of Markdown, also if they are told not to.
 */
export function factsIn(answer: string): readonly FactDraft[] {
  const found = parsed(answer) ?? parsed(answer.slice(answer.indexOf('{'), answer.lastIndexOf('}') + 1));
  const listed: unknown = isPlainObject(found) ? found.facts : found;
  return Array.isArray(listed) ? listed.flatMap(factOf) : [];
}

function factOf(value: unknown): FactDraft | [] {
  if (!isPlainObject(value)) return [];
  const { text, from } = value;
  if (typeof text !== 'string' || text.trim() === '' || !Array.isArray(from)) return [];
  const isListOfNumbers = from.length > 0 && from.every((n) => Number.isSafeInteger(n));
  return isListOfNumbers ? { text: text.trim(), from: [...new Set(from as number[])] } : [];
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
